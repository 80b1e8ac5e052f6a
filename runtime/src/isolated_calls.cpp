// What the stage in the child asks of its host, answered here.
#include "isolated.hpp"

namespace npurt {

void Isolated::serve(Message& m) {
  Message reply(Message::reply);
  switch (m.kind) {
    case Message::log: {
      const auto level = m.get<int32_t>();
      return host_->log(host_->self, level, m.text().c_str());
    }
    case Message::progress: {
      const auto done = m.get<double>();
      return host_->progress(host_->self, done, m.get<double>());
    }
    case Message::device_time: {
      const auto seconds = m.get<double>();
      return host_->device_time(host_->self, seconds, m.get<int32_t>());
    }
    case Message::device_work: {
      auto work = m.get<npurt_device_work>();
      const std::string conversions = m.text();
      work.conversions = conversions.c_str();
      return host_->device_work(host_->self, &work);
    }
    case Message::option: {
      const char* value = host_->option(host_->self, m.text().c_str());
      reply.put(value != nullptr).put(std::string(value ? value : ""));
      break;
    }
    case Message::borrow:
      reply.put(*arena_.offset(borrow(std::min(m.get<uint64_t>(), Arena::kBytes))));
      break;
    case Message::resize: {
      const auto port = m.get<uint32_t>();
      const auto spec = m.get<npurt_spec>();
      const int32_t code = host_->resize(host_->self, port, &spec);
      reply.put(code);
      if (code == NPURT_OK) put_tensor(reply, call_->out[port], arena_.base());
      break;
    }
    case Message::inner: {
      const std::string name = m.text();
      std::vector<npurt_spec> in(m.count());
      for (npurt_spec& s : in) s = m.get<npurt_spec>();
      const npurt_inner* made = nullptr;
      reply.put(host_->inner(host_->self, name.c_str(), in.data(), static_cast<uint32_t>(in.size()), &made));
      if (made) inner_.push_back(made);
      reply.put(made ? made->outputs : 0U);
      break;
    }
    case Message::run_inner:
      return run_inner(m);
    default:
      throw Parted("a message makes no sense");
  }
  reply.send(child_->socket);
}

void Isolated::run_inner(Message& m) {
  const auto which = m.get<uint32_t>();
  if (which >= inner_.size()) throw Parted("a message makes no sense");
  const npurt_inner* graph = inner_[which];
  std::vector<npurt_tensor> in(m.count(), blank_tensor()), out(m.count(), blank_tensor());
  for (npurt_tensor& t : in) t = get_tensor(m, arena_.base(), Arena::kBytes);
  const int32_t code =
      graph->run(graph->self, in.data(), static_cast<uint32_t>(in.size()), out.data(), static_cast<uint32_t>(out.size()));
  Message reply(Message::reply);
  reply.put(code);
  for (const npurt_tensor& t : out) put_tensor(reply, code == NPURT_OK ? shared(t) : blank_tensor(), arena_.base());
  reply.send(child_->socket);
}

}  // namespace npurt
