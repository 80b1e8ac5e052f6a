find_package(Python3 REQUIRED COMPONENTS Interpreter)

npurt_test(audio_source_test)
add_dependencies(audio_source_test npurt_audio)
npurt_test(transcript_sink_test)
add_dependencies(transcript_sink_test npurt_audio)
npurt_test(speech_test SOURCES ../plugins/vad/regions.cpp ../plugins/vad/packer.cpp)
add_dependencies(speech_test npurt_vad)
target_compile_definitions(transcript_sink_test PRIVATE NPURT_PYTHON="${Python3_EXECUTABLE}")
