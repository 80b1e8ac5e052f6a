npurt_test(decode_test)
npurt_test(decode_rules_test)
npurt_test(exactness_test)

foreach(test decode_test decode_rules_test exactness_test)
  npurt_level_tests(${test})
endforeach()
