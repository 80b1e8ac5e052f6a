npurt_test(decode_test)
npurt_test(decode_rules_test)
npurt_test(exactness_test)
npurt_test(allocation_test)
set_target_properties(allocation_test PROPERTIES ENABLE_EXPORTS ON)  # so that plugins find its malloc
npurt_test(align_test SOURCES ../plugins/decoder/align.cpp)

set(levels)
foreach(level base avx2 avx512 vnni)
  if(TARGET npurt_decoder_${level})
    list(APPEND levels $<TARGET_OBJECTS:npurt_decoder_${level}>)
  endif()
endforeach()
find_package(OpenMP REQUIRED)
npurt_test(decode_kernels_test SOURCES ../plugins/decoder/isa.cpp ../plugins/decoder/audio.cpp ../plugins/decoder/cache.cpp LINK ${levels} OpenMP::OpenMP_CXX)

foreach(test decode_test decode_kernels_test decode_rules_test exactness_test)
  npurt_level_tests(${test})
endforeach()

find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME "words_test: Words" COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/words_test.py ${PROJECT_SOURCE_DIR}
                                          ${CMAKE_BINARY_DIR} Words)
set_tests_properties("words_test: Words" PROPERTIES SKIP_RETURN_CODE 77 LABELS decoder)
