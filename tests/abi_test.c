/* Pins the layout of abi.h on 64-bit machines: a plugin built today must load for as long as npurt speaks ABI v1. A line here
 * changes only by a field appended at the end of a struct. */
#include <npurt/abi.h>
#include <stddef.h>
#include <stdio.h>

struct pin {
  const char* what;
  size_t is, pinned;
};

#define SIZE(type, n) \
  { "sizeof " #type, sizeof(type), n }
#define FIELD(type, field, at) \
  { #type "." #field, offsetof(type, field), at }
#define VALUE(name, n) \
  { #name, (size_t)(name), (size_t)(n) }

static const struct pin pins[] = {
    SIZE(npurt_spec, 64),
    FIELD(npurt_spec, size, 0),
    FIELD(npurt_spec, dtype, 4),
    FIELD(npurt_spec, rank, 8),
    FIELD(npurt_spec, layout, 12),
    FIELD(npurt_spec, dims, 16),

    SIZE(npurt_tensor, 120),
    FIELD(npurt_tensor, size, 0),
    FIELD(npurt_tensor, reserved, 4),
    FIELD(npurt_tensor, spec, 8),
    FIELD(npurt_tensor, data, 72),
    FIELD(npurt_tensor, bytes, 80),
    FIELD(npurt_tensor, index, 88),
    FIELD(npurt_tensor, native, 96),
    FIELD(npurt_tensor, kind, 104),
    FIELD(npurt_tensor, writer, 112),

    SIZE(npurt_inner, 24),
    FIELD(npurt_inner, size, 0),
    FIELD(npurt_inner, outputs, 4),
    FIELD(npurt_inner, self, 8),
    FIELD(npurt_inner, run, 16),

    SIZE(npurt_device_work, 40),
    FIELD(npurt_device_work, size, 0),
    FIELD(npurt_device_work, launches, 4),
    FIELD(npurt_device_work, read, 8),
    FIELD(npurt_device_work, written, 16),
    FIELD(npurt_device_work, converted, 24),
    FIELD(npurt_device_work, conversions, 32),

    SIZE(npurt_host, 112),
    FIELD(npurt_host, size, 0),
    FIELD(npurt_host, reserved, 4),
    FIELD(npurt_host, self, 8),
    FIELD(npurt_host, log, 16),
    FIELD(npurt_host, fail, 24),
    FIELD(npurt_host, option, 32),
    FIELD(npurt_host, weight, 40),
    FIELD(npurt_host, meta, 48),
    FIELD(npurt_host, scratch, 56),
    FIELD(npurt_host, resize, 64),
    FIELD(npurt_host, cancelled, 72),
    FIELD(npurt_host, progress, 80),
    FIELD(npurt_host, inner, 88),
    FIELD(npurt_host, device_time, 96),
    FIELD(npurt_host, device_work, 104),

    SIZE(npurt_call, 56),
    FIELD(npurt_call, size, 0),
    FIELD(npurt_call, inputs, 4),
    FIELD(npurt_call, outputs, 8),
    FIELD(npurt_call, end, 12),
    FIELD(npurt_call, in, 16),
    FIELD(npurt_call, out, 24),
    FIELD(npurt_call, index, 32),
    FIELD(npurt_call, host, 40),
    FIELD(npurt_call, emit, 48),
    FIELD(npurt_call, again, 52),

    SIZE(npurt_stage, 72),
    FIELD(npurt_stage, size, 0),
    FIELD(npurt_stage, state, 4),
    FIELD(npurt_stage, op, 8),
    FIELD(npurt_stage, kernel, 16),
    FIELD(npurt_stage, signature, 24),
    FIELD(npurt_stage, device, 32),
    FIELD(npurt_stage, plan, 40),
    FIELD(npurt_stage, open, 48),
    FIELD(npurt_stage, run, 56),
    FIELD(npurt_stage, close, 64),

    SIZE(npurt_plugin, 32),
    FIELD(npurt_plugin, size, 0),
    FIELD(npurt_plugin, count, 4),
    FIELD(npurt_plugin, name, 8),
    FIELD(npurt_plugin, version, 16),
    FIELD(npurt_plugin, stages, 24),

    VALUE(NPURT_MAX_RANK, 6),
    VALUE(NPURT_UNKNOWN, -1),
    VALUE(NPURT_F32, 1),
    VALUE(NPURT_F16, 2),
    VALUE(NPURT_BF16, 3),
    VALUE(NPURT_I8, 4),
    VALUE(NPURT_U8, 5),
    VALUE(NPURT_I32, 6),
    VALUE(NPURT_I64, 7),
    VALUE(NPURT_JSON, 8),
    VALUE(NPURT_OK, 0),
    VALUE(NPURT_REFUSE, 1),
    VALUE(NPURT_BAD_CONFIG, 2),
    VALUE(NPURT_FAULT, 3),
    VALUE(NPURT_BUG, 4),
    VALUE(NPURT_CANCELLED, 5),
    VALUE(NPURT_DEBUG, 0),
    VALUE(NPURT_INFO, 1),
    VALUE(NPURT_WARN, 2),
    VALUE(NPURT_ERROR, 3),
    VALUE(NPURT_PACKET, 0),
    VALUE(NPURT_STREAM, 1),
};

int main(void) {
  int wrong = 0;
  for (size_t i = 0; i < sizeof pins / sizeof *pins; ++i)
    if (pins[i].is != pins[i].pinned) {
      printf("%s is %zu, pinned as %zu\n", pins[i].what, pins[i].is, pins[i].pinned);
      ++wrong;
    }
  return wrong != 0;
}
