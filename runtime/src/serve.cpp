// The child's side of an isolated stage: a host that passes on what only the parent knows.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <optional>
#include <thread>

#include "isolated.hpp"

namespace npurt {
namespace {

class Child {
 public:
  Child(int socket, int arena) : socket_(socket) {
    void* all = mmap(nullptr, Arena::kBytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, arena, 0);
    if (all == MAP_FAILED) throw Parted("no shared memory");
    base_ = static_cast<char*>(all);
    face_ = {sizeof face_, 0,       this,       &log,      &fail,  &option,      &weight,     &meta,
             &scratch,     &resize, &cancelled, &progress, &inner, &device_time, &device_work};
  }

  void serve() {
    for (;;) {
      Message m = Message::receive(socket_);
      const double before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
      Message extra;
      int32_t code = NPURT_BUG;
      if (m.kind == Message::plan) code = plan(m, extra);
      else if (m.kind == Message::open)
        code = stage_->face->open(&face_, in_.data(), static_cast<uint32_t>(in_.size()), &object_);
      else if (m.kind == Message::run) code = run(m, extra);
      const auto [known, sentence] = host_->verdict(code);
      Message done(Message::done);
      done.put(static_cast<int32_t>(known))
          .put(std::exchange(parent_said_, false) ? std::string() : sentence)
          .put(cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - before);
      done.append(extra);
      done.send(socket_);
    }
  }
  void close() {
    if (object_) stage_->face->close(object_);
  }

 private:
  static Child& self(void* p) { return *static_cast<Child*>(p); }
  const npurt_host* own() const { return host_->face(); }

  int32_t plan(Message& m, Message& extra) {
    const Library& library = load_library(m.text());
    stage_ = &library.stages.at(m.get<uint32_t>());
    node_.id = m.text();
    for (uint32_t n = m.get<uint32_t>(); n > 0; --n) {
      const std::string name = m.text();
      Setting& s = node_.with[name];
      s.value = m.text();
      s.place.file = m.text();
    }
    around_.folder = m.text();
    host_.emplace(node_, around_, around_.pool);
    in_.resize(m.count());
    for (npurt_spec& s : in_) s = m.get<npurt_spec>();
    std::vector<npurt_spec> out(m.count());
    for (npurt_spec& s : out) s = m.get<npurt_spec>();
    const int32_t code =
        stage_->face->plan(&face_, in_.data(), static_cast<uint32_t>(in_.size()), out.data(), static_cast<uint32_t>(out.size()));
    for (const npurt_spec& s : out) extra.put(s);
    return code;
  }

  int32_t run(Message& m, Message& extra) {
    npurt_call c{};
    c.size = sizeof c;
    c.index = m.get<int64_t>();
    c.end = m.get<uint32_t>();
    std::vector<npurt_tensor> in(m.count(), blank_tensor());
    for (npurt_tensor& t : in) t = tensor(m);
    out_.assign(m.count(), blank_tensor());
    for (npurt_tensor& t : out_) {
      t = tensor(m);
      writable(t.data, t.bytes);
    }
    c.in = in.data();
    c.out = out_.data();
    c.inputs = static_cast<uint32_t>(in.size());
    c.outputs = static_cast<uint32_t>(out_.size());
    c.host = &face_;
    c.emit = 1;
    const int32_t code = stage_->face->run(object_, &c);
    for (const auto& [data, bytes] : open_) mprotect(data, bytes, PROT_READ);
    open_.clear();
    extra.put(c.emit).put(c.again);
    return code;
  }

  npurt_tensor tensor(Message& m) const { return get_tensor(m, base_, Arena::kBytes); }
  void writable(void* data, uint64_t bytes) {
    if (!data || !bytes) return;
    const uint64_t whole = (bytes + Arena::kPage - 1) / Arena::kPage * Arena::kPage;
    if (mprotect(data, whole, PROT_READ | PROT_WRITE) != 0) throw Parted("shared memory cannot be written");
    if (touched_.insert(data).second) Arena::touch(data, bytes);
    open_.emplace_back(data, whole);
  }
  Message asked(const Message& m) const {
    m.send(socket_);
    return Message::receive(socket_);
  }

  // Of the C interface: nothing may be thrown through the stage, and without a parent there is nothing left to do.
  template <typename F>
  static auto safely(F&& f) noexcept {
    try {
      return f();
    } catch (const std::exception&) {
      _exit(1);
    }
  }
  static void log(void* p, int32_t level, const char* text) {
    safely([&] { Message(Message::log).put(level).put(std::string(text)).send(self(p).socket_); });
  }
  static void progress(void* p, double done, double total) {
    safely([&] { Message(Message::progress).put(done).put(total).send(self(p).socket_); });
  }
  static void device_time(void* p, double seconds, int32_t modelled) {
    safely([&] { Message(Message::device_time).put(seconds).put(modelled).send(self(p).socket_); });
  }
  static void device_work(void* p, const npurt_device_work* w) {
    safely([&] {
      Message(Message::device_work).put(*w).put(std::string(w->conversions ? w->conversions : "")).send(self(p).socket_);
    });
  }
  static int32_t cancelled(void* p) { return std::atomic_ref(*reinterpret_cast<int*>(self(p).base_)).load(); }
  static int32_t fail(void* p, int32_t code, const char* text) {
    self(p).parent_said_ = false;
    return self(p).own()->fail(self(p).own()->self, code, text);
  }
  static int32_t weight(void* p, const char* name, uint32_t dtype, npurt_tensor* out) {
    return self(p).own()->weight(self(p).own()->self, name, dtype, out);
  }
  static const char* meta(void* p, const char* name) { return self(p).own()->meta(self(p).own()->self, name); }
  static void* scratch(void* p, uint64_t bytes) { return self(p).own()->scratch(self(p).own()->self, bytes); }

  static const char* option(void* p, const char* name) {
    return safely([&]() -> const char* {
      Message m = self(p).asked(Message(Message::option).put(std::string(name)));
      const bool there = m.get<bool>();
      return there ? self(p).texts_.insert(m.text()).first->c_str() : nullptr;
    });
  }
  // The sentence of what fails in the parent stays there.
  int32_t code(Message& m) {
    const auto code = m.get<int32_t>();
    parent_said_ = code != NPURT_OK;
    return code;
  }
  static int32_t resize(void* p, uint32_t port, const npurt_spec* spec) {
    return safely([&] {
      Message m = self(p).asked(Message(Message::resize).put(port).put(*spec));
      const int32_t code = self(p).code(m);
      if (code != NPURT_OK) return code;
      npurt_tensor& t = self(p).out_.at(port);
      t = self(p).tensor(m);
      self(p).writable(t.data, t.bytes);
      return code;
    });
  }

  struct Inner {
    Child* child;
    uint32_t which;
    npurt_inner face;
  };
  static int32_t inner(void* p, const char* name, const npurt_spec* in, uint32_t inputs, const npurt_inner** out) {
    return safely([&] {
      Message question(Message::inner);
      question.put(std::string(name)).put(inputs);
      for (uint32_t i = 0; i < inputs; ++i) question.put(in[i]);
      Message m = self(p).asked(question);
      const int32_t code = self(p).code(m);
      if (code != NPURT_OK) return code;
      auto& all = self(p).inner_;
      Inner& made = all.emplace_back(Inner{&self(p), static_cast<uint32_t>(all.size()), {}});
      made.face = {sizeof made.face, m.get<uint32_t>(), &made, &run_inner};
      *out = &made.face;
      return code;
    });
  }
  static int32_t run_inner(void* p, const npurt_tensor* in, uint32_t inputs, npurt_tensor* out, uint32_t outputs) {
    return safely([&] {
      const Inner& graph = *static_cast<Inner*>(p);
      Child& child = *graph.child;
      Message question(Message::run_inner);
      question.put(graph.which).put(inputs).put(outputs);
      for (uint32_t i = 0; i < inputs; ++i) put_tensor(question, child.shared(in[i]), child.base_);
      Message m = child.asked(question);
      const int32_t code = child.code(m);
      for (uint32_t i = 0; i < outputs && code == NPURT_OK; ++i) out[i] = child.tensor(m);
      return code;
    });
  }
  npurt_tensor shared(npurt_tensor t) {
    const auto* data = static_cast<const char*>(t.data);
    if (!data || (data >= base_ && data < base_ + Arena::kBytes)) return t;
    char* copy = base_ + asked(Message(Message::borrow).put(t.bytes)).get<uint64_t>();
    writable(copy, t.bytes);
    std::memcpy(copy, data, t.bytes);
    t.data = copy;
    return t;
  }

  int socket_;
  char* base_ = nullptr;
  npurt_host face_{};
  Node node_;
  Surroundings around_;
  std::optional<NodeHost> host_;
  const Stage* stage_ = nullptr;
  void* object_ = nullptr;
  std::vector<npurt_spec> in_;
  std::vector<npurt_tensor> out_;                 // of the call under way
  std::vector<std::pair<void*, uint64_t>> open_;  // memory that may be written until it ends
  std::set<void*> touched_;                       // blocks that were written before
  std::set<std::string> texts_;
  std::deque<Inner> inner_;
  bool parent_said_ = false;
};

// A stage that loops would go on when nobody is there any more.
void end_with_parent(int socket) {
  pollfd p{socket, POLLRDHUP, 0};
  while (poll(&p, 1, -1) < 0 && errno == EINTR) {
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));
  _exit(1);
}

}  // namespace

int serve_isolated(int socket, int arena) {
  signal(SIGINT, SIG_IGN);                                                      // the parent decides when to stop
  for (int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) signal(s, SIG_DFL);  // and tells what this process died of
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  std::thread(end_with_parent, socket).detach();
  try {
    Child child(socket, arena);
    try {
      child.serve();
    } catch (const Parted&) {
      child.close();
    }
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

}  // namespace npurt
