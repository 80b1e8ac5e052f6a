#include "onednn.hpp"
#include "stages.hpp"

// Best first: `use: cpu` takes the first that accepts.
NPURT_PLUGIN("cpu", "1.0.0", npurt_cpu::MatmulInt8, npurt_cpu::MatmulF32, npurt_cpu::Conv1d<npurt_cpu::Bf16>,
             npurt_cpu::Conv1d<float>, npurt_cpu::LayerNorm, npurt_cpu::AttentionBf16, npurt_cpu::Attention, npurt_cpu::LogMel)
