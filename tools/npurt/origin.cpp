#include "origin.hpp"

namespace npurt::cli {

using Json = nlohmann::ordered_json;

Json origin(const Selection& asked, const Plan& plan) {
  Json j = {{"npurt", version()},       {"graph", asked.graph},     {"set", asked.set},         {"use", asked.use},
            {"isolate", asked.isolate}, {"require", asked.require}, {"strict", asked.strict},   {"npu", asked.npu},
            {"policy", asked.policy},   {"threads", asked.threads}, {"plan", plan.signature()}, {"plugins", Json::array()}};
  for (const PluginUsed& p : plan.plugins()) j["plugins"].push_back({{"name", p.name}, {"version", p.version}, {"hash", p.hash}});
  return j;
}

Selection asked(const Json& origin, const std::string& file) {
  try {
    Selection s;
    origin.at("graph").get_to(s.graph);
    origin.at("set").get_to(s.set);
    origin.at("use").get_to(s.use);
    origin.at("isolate").get_to(s.isolate);
    origin.at("require").get_to(s.require);
    origin.at("strict").get_to(s.strict);
    origin.at("npu").get_to(s.npu);
    origin.at("policy").get_to(s.policy);
    origin.at("threads").get_to(s.threads);
    return s;
  } catch (const Json::exception& e) {
    throw Error(Exit::input, {Diagnostic{{file}, std::string("does not say how it was made: ") + e.what(), {}}});
  }
}

}  // namespace npurt::cli
