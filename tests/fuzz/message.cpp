#include "message.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "arena.hpp"
#include "fuzz.hpp"

// What a broken child may send: each field read as each kind of value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static char memory[4096];
  int ends[2];
  if (size > 4096 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 0;
  if (write(ends[1], data, size) != static_cast<ssize_t>(size)) std::abort();
  close(ends[1]);
  try {
    for (;;) {
      npurt::Message m = npurt::Message::receive(ends[0]);
      for (uint32_t n = m.count(); n > 0; --n) {
        m.text();
        const npurt_tensor t = npurt::get_tensor(m, memory, sizeof memory);
        const char* at = static_cast<const char*>(t.data);
        if (at && (at < memory || at + t.bytes > memory + sizeof memory)) std::abort();
      }
    }
  } catch (const npurt::Parted&) {
  }
  close(ends[0]);
  return 0;
}
