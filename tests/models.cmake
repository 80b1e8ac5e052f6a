npurt_test(layouts_test SOURCES tiny_model.cpp)
npurt_test(bad_models_test SOURCES tiny_model.cpp)
add_test(NAME model_cli_test COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/model_cli_test.py ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
set_tests_properties(model_cli_test PROPERTIES SKIP_RETURN_CODE 77 LABELS models)
