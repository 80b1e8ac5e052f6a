#include "stages.hpp"

NPURT_PLUGIN("audio", "1.0.0", audio::AudioSource, audio::TranscriptSink)
