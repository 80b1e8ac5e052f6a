#include "stages.hpp"

NPURT_PLUGIN("vad", "1.0.0", vad::SpeechActivity, vad::SpeechWindows)
