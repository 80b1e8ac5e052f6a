#include "stages.hpp"

NPURT_PLUGIN("diarizer", "1.0.0", diarizer::Diarize, diarizer::EmbedSpeaker, diarizer::AssignSpeakers)
