include(${PROJECT_SOURCE_DIR}/runtime/npurt_plugin.cmake)

# A plugin that is found only by those who name build/tests/proof.
set(NPURT_PROOF_PLUGINS ${CMAKE_BINARY_DIR}/tests/proof)
function(npurt_proof_plugin name)
  set(NPURT_PLUGIN_DIR "")
  npurt_plugin(${name} plugins/${name}.cpp)
  set_target_properties(npurt_${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${NPURT_PROOF_PLUGINS})
endfunction()
npurt_proof_plugin(norm)
npurt_proof_plugin(doom)

find_package(Python3 REQUIRED COMPONENTS Interpreter)
function(npurt_proof_test script)
  foreach(case ${ARGN})
    add_test(NAME "${script}: ${case}" COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/${script}.py ${PROJECT_SOURCE_DIR}
                                               ${CMAKE_BINARY_DIR} ${case})
    set_tests_properties("${script}: ${case}" PROPERTIES SKIP_RETURN_CODE 77 LABELS proof)
  endforeach()
endfunction()
npurt_proof_test(trace_test Trace)
npurt_proof_test(ab_test Ab)
npurt_proof_test(kit_test Kit)
npurt_proof_test(isolate_test Isolate)
npurt_proof_test(doctor_test Doctor)
npurt_proof_test(tune_test Tune)
npurt_proof_test(verify_test Verify)

set(ab ../tools/npurt/ab)
npurt_test(comparison_test SOURCES ${ab}/statistics.cpp ${ab}/error.cpp ${ab}/words.cpp ${ab}/energy.cpp ${ab}/plots.cpp
                                   ../tools/npurt/outputs.cpp)
npurt_test(doctor_test SOURCES ../tools/npurt/doctor/machine.cpp ../tools/npurt/doctor/npu.cpp)
target_compile_definitions(doctor_test PRIVATE NPURT_TEST_PLUGINS="")
