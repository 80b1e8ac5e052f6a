find_package(OpenMP REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(diarizer ../plugins/diarizer)
npurt_test(diarizer_test LINK OpenMP::OpenMP_CXX
           SOURCES ${diarizer}/isa.cpp ${diarizer}/mel.cpp ${diarizer}/encoder.cpp ${diarizer}/cluster.cpp
                   ${diarizer}/speakers.cpp ${diarizer}/overlap.cpp ${diarizer}/listener.cpp)
npurt_test(speaker_encoder_test LINK OpenMP::OpenMP_CXX SOURCES ${diarizer}/isa.cpp ${diarizer}/mel.cpp ${diarizer}/encoder.cpp)
npurt_level_tests(speaker_encoder_test)
foreach(level base avx2 avx512 vnni)
  if(TARGET npurt_diarizer_${level})
    target_link_libraries(diarizer_test PRIVATE $<TARGET_OBJECTS:npurt_diarizer_${level}>)
    target_link_libraries(speaker_encoder_test PRIVATE $<TARGET_OBJECTS:npurt_diarizer_${level}>)
  endif()
endforeach()

add_test(NAME "diarize_test: Speakers" COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/diarize_test.py ${PROJECT_SOURCE_DIR}
                                               ${CMAKE_BINARY_DIR} Speakers)
set_tests_properties("diarize_test: Speakers" PROPERTIES SKIP_RETURN_CODE 77 LABELS diarizer)

add_test(NAME "der_test: Der" COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/der_test.py ${PROJECT_SOURCE_DIR})
set_tests_properties("der_test: Der" PROPERTIES SKIP_RETURN_CODE 77 LABELS diarizer)
