# Rules that the whole tree keeps, checked by scripts: skipped with exit code 77 where a tool is missing.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(npurt_script_test name)
  add_test(NAME ${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/${name}.py ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 LABELS tools)
endfunction()

npurt_script_test(house_test ${PROJECT_SOURCE_DIR})
npurt_script_test(format_test ${PROJECT_SOURCE_DIR})
