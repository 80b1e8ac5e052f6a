# Rules that the whole tree keeps, and what the documents promise: scripts, skipped (exit code 77) where a tool is missing.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# npurt_script_test(NAME SCRIPT [ARGUMENT…])
function(npurt_script_test name script)
  add_test(NAME ${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 LABELS tools)
endfunction()

npurt_script_test(house_test house_test.py ${PROJECT_SOURCE_DIR})
npurt_script_test(format_test format_test.py ${PROJECT_SOURCE_DIR})
foreach(case Run Outputs Exits Silence Look)
  npurt_script_test("cli_test: ${case}" cli_test.py ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${case})
endforeach()

if(NOT NPURT_SANITIZE)
  file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*.md ${PROJECT_SOURCE_DIR}/docs/*.md)
  foreach(document ${documents})
    get_filename_component(name ${document} NAME)
    npurt_script_test("docs_test: ${name}" docs_test.py ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${document})
  endforeach()
endif()

  npurt_test(outputs_test SOURCES ../tools/npurt/outputs.cpp ../tools/npurt/progress.cpp)
