#include "message.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "tensor.hpp"

namespace npurt {
namespace {

constexpr uint32_t kMostBytes = 1U << 20;  // texts and shapes; values lie in the arena

struct Head {
  uint32_t kind, bytes;
};

void send_all(int socket, const char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = ::send(socket, data, bytes, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Parted("the other side is gone");
    data += n;
    bytes -= static_cast<size_t>(n);
  }
}

void receive_all(int socket, char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = recv(socket, data, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Parted("the other side is gone");
    data += n;
    bytes -= static_cast<size_t>(n);
  }
}

}  // namespace

void Message::send(int socket) const {
  std::string all;
  const Head head{kind, static_cast<uint32_t>(bytes_.size())};
  all.reserve(sizeof head + bytes_.size());
  all.append(reinterpret_cast<const char*>(&head), sizeof head);
  all += bytes_;
  send_all(socket, all.data(), all.size());
}

Message Message::receive(int socket) {
  Head head{};
  receive_all(socket, reinterpret_cast<char*>(&head), sizeof head);
  if (head.kind > done || head.bytes > kMostBytes) throw Parted("a message makes no sense");
  Message m(static_cast<Kind>(head.kind));
  m.bytes_.resize(head.bytes);
  receive_all(socket, m.bytes_.data(), head.bytes);
  return m;
}

void put_tensor(Message& m, const npurt_tensor& t, const char* base) {
  m.put(t.spec).put(t.index).put(t.bytes);
  m.put(t.data ? static_cast<uint64_t>(static_cast<const char*>(t.data) - base) : UINT64_MAX);
}

npurt_tensor get_tensor(Message& m, char* base, uint64_t bytes) {
  npurt_tensor t = blank_tensor();
  t.spec = m.get<npurt_spec>();
  t.index = m.get<int64_t>();
  t.bytes = m.get<uint64_t>();
  const auto at = m.get<uint64_t>();
  if (at == UINT64_MAX) return t;
  if (at > bytes || t.bytes > bytes - at || spec_bytes(t.spec) != t.bytes)
    throw Parted("a tensor lies outside the memory shared");
  t.data = base + at;
  return t;
}

}  // namespace npurt
