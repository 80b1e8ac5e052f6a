npurt_test(decode_test)
npurt_test(decode_rules_test)
npurt_test(exactness_test)
npurt_test(allocation_test)
set_target_properties(allocation_test PROPERTIES ENABLE_EXPORTS ON)  # so that plugins find its malloc

set(levels)
foreach(level base avx2 avx512 vnni)
  if(TARGET npurt_decoder_${level})
    list(APPEND levels $<TARGET_OBJECTS:npurt_decoder_${level}>)
  endif()
endforeach()
find_package(OpenMP REQUIRED)
npurt_test(decode_kernels_test SOURCES ../plugins/decoder/isa.cpp ../plugins/decoder/cache.cpp LINK ${levels} OpenMP::OpenMP_CXX)

foreach(test decode_test decode_kernels_test decode_rules_test exactness_test)
  npurt_level_tests(${test})
endforeach()
