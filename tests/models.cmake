npurt_test(layouts_test SOURCES tiny_model.cpp)
npurt_test(bad_models_test SOURCES tiny_model.cpp)
