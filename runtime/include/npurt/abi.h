/* The C contract between npurt and its plugins, version 1.
 *
 * Frozen: fields are only appended, and every struct begins with `size`, the number of bytes its writer knew of, so that a reader
 * can tell which fields exist. A changed field makes version 2 and a new symbol name. Plugin authors include npurt/plugin.hpp,
 * which fills every `size`. tests/abi_test.c pins sizes and offsets.
 *
 * Text is NUL-terminated UTF-8. Pointers passed to a function are valid until it returns, unless it says otherwise.
 * No function here throws, and no exception may cross it.
 */
#ifndef NPURT_ABI_H
#define NPURT_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NPURT_MAX_RANK 6
#define NPURT_UNKNOWN (-1) /* a dim that only the data decides: the stage calls resize */

typedef enum npurt_dtype {
  NPURT_F32 = 1,
  NPURT_F16 = 2,
  NPURT_BF16 = 3,
  NPURT_I8 = 4,
  NPURT_U8 = 5,
  NPURT_I32 = 6,
  NPURT_I64 = 7,
  NPURT_JSON = 8 /* bytes of one JSON text; rank 1 */
} npurt_dtype;

/* What a call came to. Anything but OK comes with one sentence, given to host->fail. */
typedef enum npurt_code {
  NPURT_OK = 0,
  NPURT_REFUSE = 1,     /* plan or open: try the next candidate */
  NPURT_BAD_CONFIG = 2, /* stop: an option, input or model file is wrong */
  NPURT_FAULT = 3,      /* run: the device failed; the host falls back and replays the packet */
  NPURT_BUG = 4,        /* stop, and blame the plugin */
  NPURT_CANCELLED = 5   /* run: the stage saw host->cancelled and stopped early */
} npurt_code;

typedef enum npurt_level { NPURT_DEBUG = 0, NPURT_INFO = 1, NPURT_WARN = 2, NPURT_ERROR = 3 } npurt_level;

/* How a stage keeps state between calls. PACKET: none, so that a packet may be replayed on another candidate. STREAM: it sees
 * the packets of one file in order, is told of the first (call->index == 0) and gets one last call with call->end set. */
typedef enum npurt_state { NPURT_PACKET = 0, NPURT_STREAM = 1 } npurt_state;

typedef struct npurt_spec {
  uint32_t size;
  uint32_t dtype; /* npurt_dtype */
  uint32_t rank;
  uint32_t layout; /* 0: row-major; others are named by the op's signature, in order of mention */
  int64_t dims[NPURT_MAX_RANK];
} npurt_spec;

/* Data is always visible to the host; `native` is a device handle of kind `kind`, or null. `writer` names who wrote last. */
typedef struct npurt_tensor {
  uint32_t size;
  uint32_t reserved;
  npurt_spec spec;
  void* data; /* aligned to 64 bytes; null for an optional input that is not connected */
  uint64_t bytes;
  int64_t index; /* of the packet in its sequence */
  void* native;
  const char* kind;
  const char* writer;
} npurt_tensor;

/* A graph planned by the host and called as one function; owned by the host, alive as long as the stage that asked for it. */
typedef struct npurt_inner {
  uint32_t size;
  uint32_t outputs;
  void* self;
  /* Runs one packet. `out[i]` is filled to point at host-owned results, valid until the next call. */
  int32_t (*run)(void* self, const npurt_tensor* in, uint32_t inputs, npurt_tensor* out, uint32_t outputs);
} npurt_inner;

/* What a device does for one call of a stage. */
typedef struct npurt_device_work {
  uint32_t size;
  uint32_t launches;
  uint64_t read, written;  /* bytes that the device moves from and to host memory */
  uint64_t converted;      /* bytes that the host lays out anew, before and after */
  const char* conversions; /* which those are, in words, or null */
} npurt_device_work;

/* The only way a plugin reaches out. One host object per node; `self` is the host's own. */
typedef struct npurt_host {
  uint32_t size;
  uint32_t reserved;
  void* self;
  void (*log)(void* self, int32_t level, const char* text);
  /* Keeps the sentence for the code about to be returned, and returns that code. */
  int32_t (*fail)(void* self, int32_t code, const char* text);
  /* The node's `with` value as text, or null if it has none. Valid until the stage is closed. */
  const char* (*option)(void* self, const char* name);
  /* A tensor of the node's `model`, converted once to `dtype` (0: as stored), read-only, shared by all stages, valid until the
   * plan ends. i8 has one f32 scale per row, found as "<name>.scale"; value = i8 * scale. Returns REFUSE when absent and
   * BAD_CONFIG when the file is damaged, with the sentence kept as by fail. */
  int32_t (*weight)(void* self, const char* name, uint32_t dtype, npurt_tensor* out);
  /* Facts of the node's `model`: "config" is its unified JSON (docs/models.md). Null if there is no such fact. */
  const char* (*meta)(void* self, const char* name);
  /* 64-byte aligned memory of at least `bytes`, until the call (or create) ends; asking for more moves it, without what it held.
   * What it holds at first is undefined. Null when out of memory. */
  void* (*scratch)(void* self, uint64_t bytes);
  /* During run: gives output `port` the shape `spec` and (new) memory. Updates call->out[port]. */
  int32_t (*resize)(void* self, uint32_t port, const npurt_spec* spec);
  /* Nonzero once the user asked to stop; asked per token and per window. */
  int32_t (*cancelled)(void* self);
  /* True progress of this node, in seconds of audio; total is 0 while unknown. */
  void (*progress)(void* self, double done, double total);
  /* During open: plans the graph file that option `name` gives for these input shapes. */
  int32_t (*inner)(void* self, const char* name, const npurt_spec* in, uint32_t inputs, const npurt_inner** out);
  /* During run: seconds that a device worked for this call; `modelled` tells that a cost model and no clock says so. During open:
   * seconds that each call will take. */
  void (*device_time)(void* self, double seconds, int32_t modelled);
  /* During run: what a device did for this call. During open: what it will do for each. Several are added up. */
  void (*device_work)(void* self, const npurt_device_work* work);
} npurt_host;

/* One packet through one stage. */
typedef struct npurt_call {
  uint32_t size;
  uint32_t inputs;
  uint32_t outputs;
  uint32_t end; /* 1: no more input will come; only stages with state STREAM see it; inputs have null data */
  const npurt_tensor* in;
  npurt_tensor* out;
  int64_t index; /* of this call's input packet within the file, from 0; for a source, of the call */
  const npurt_host* host;
  /* Set by the stage. Only a stage with an `@split` output may clear emit or set again. A stage of state STREAM fills its
   * `@stream` outputs in the last call; what it leaves in them before is not looked at. */
  uint32_t emit;  /* 1 on entry; 0: this call produced no packet */
  uint32_t again; /* 0 on entry; 1: call me once more with the same input */
} npurt_call;

typedef struct npurt_stage {
  uint32_t size;
  uint32_t state;        /* npurt_state */
  const char* op;        /* the op it implements */
  const char* kernel;    /* "" or the variant's name: chosen as plugin:kernel */
  const char* signature; /* its narrower promise, or a new op's contract */
  const char* device;    /* "cpu", "npu" or "io": which lane runs it */
  /* Stateless and callable from any thread. Fills out[] (dims may be NPURT_UNKNOWN) or refuses with one sentence. */
  int32_t (*plan)(const npurt_host* host, const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs);
  /* Makes the object that run uses. `in` are the planned input shapes. */
  int32_t (*open)(const npurt_host* host, const npurt_spec* in, uint32_t inputs, void** object);
  /* Never entered twice at once for one object. */
  int32_t (*run)(void* object, npurt_call* call);
  void (*close)(void* object);
} npurt_stage;

typedef struct npurt_plugin {
  uint32_t size;
  uint32_t count;
  const char* name; /* libnpurt_<name>.so */
  const char* version;
  const npurt_stage* const* stages; /* best first: `use: name` takes the first that accepts */
} npurt_plugin;

/* The one symbol of a plugin:
 *   extern "C" const npurt_plugin npurt_plugin_v1;
 * plugin.hpp defines it. */
#define NPURT_PLUGIN_SYMBOL "npurt_plugin_v1"

#ifdef __cplusplus
}
#endif
#endif
