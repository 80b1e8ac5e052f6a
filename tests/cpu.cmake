foreach(test matmul_test layers_test log_mel_test)
  npurt_test(${test})
  npurt_level_tests(${test})
endforeach()
