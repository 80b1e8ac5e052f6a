npurt_test(signature_test)
npurt_test(error_test)
