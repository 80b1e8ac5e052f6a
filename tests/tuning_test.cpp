// The tuning cache: what is read from it, who goes by it, and that nothing in it is lost or taken for what it is not.
#include "tuning.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "catch.hpp"
#include "fingerprint.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;

namespace {

const std::string kKey = "op\ttoy\thash\tcpu\tf32[2]\t";
const std::string kGraph =
    "  n: {op: count, use: toy, with: {packets: 2, size: 1}}\n"
    "  s: {op: scale, in: n, use: ['toy:plain', 'toy:device'], with: {by: 2}}\n"
    "  out: {op: write, in: s, use: toy, with: {path: $output}}\n";

std::vector<Tuned> timed(Plan& plan) {
  const float value = 1;
  return time_candidates(plan, "s", {{"x", "f32", {1}, &value, sizeof value, nullptr}}, 0);
}

}  // namespace

TEST_CASE("a line that makes no sense is left out, the others count") {
  const std::string head = "npurt tuning 1\n";
  CHECK(parse_tunings(head + "0.5\t" + kKey + "\n") == Tunings{{kKey, 0.5}});
  for (const char* bad : {"", "x\t", "0\t", "-1\t", "nan\t", "inf\t", "1e999\t", "0.5 "})
    CHECK(parse_tunings(head + bad + kKey + "\n0.25\tother\t\t\t\t\t\n") == Tunings{{"other\t\t\t\t\t", 0.25}});
  CHECK(parse_tunings(head + "0.5\ttoo\tfew\n").empty());
  CHECK(parse_tunings(head + "0.5\t" + kKey).empty());  // torn
  CHECK(parse_tunings("npurt tuning 2\n0.5\t" + kKey + "\n").empty());
  CHECK(parse_tunings("").empty());
}

TEST_CASE("the measured policy takes the fastest candidate that the cache knows, and says so") {
  Toys toys;
  const auto cache = toys.folder.path() / "tuning.tsv";
  Plan declared = toys.plan(kGraph);
  CHECK(declared.nodes()[1].placement.use == "toy:plain");
  std::vector<Tuned> all = timed(declared);
  REQUIRE(all.size() == 2);
  CHECK(all[0].seconds > 0);
  all[0].seconds = 0.002;
  all[1].seconds = 0.001;
  save_tunings(all, cache);

  toys.plan_options.tuning = cache;
  CHECK(toys.plan(kGraph).nodes()[1].placement.use == "toy:plain");  // nobody asked
  toys.plan_options.policy = "measured";
  const Placement p = toys.plan(kGraph).nodes()[1].placement;
  CHECK(p.use == "toy:device");
  CHECK(p.cause == "measured: 1 ms");
  toys.plan_options.strict = true;
  CHECK(toys.plan(kGraph).nodes()[1].placement.use == "toy:plain");
  toys.plan_options.strict = false;
  toys.plan_options.tuning = toys.folder.path() / "cpu.tsv";
  save_tunings({all[0]}, toys.plan_options.tuning);
  CHECK(toys.plan(kGraph).nodes()[1].placement.cause == "measured: 2 ms");
  toys.plan_options.threads = 7;  // another device, as far as times go
  CHECK(toys.plan(kGraph).nodes()[1].placement.cause == "first choice");
}

TEST_CASE("a time of another library, device, driver, shape or option is never asked for") {
  Toys toys;
  const auto cache = toys.folder.path() / "tuning.tsv";
  Plan plan = toys.plan(kGraph);
  const Tuned t = timed(plan).at(1);
  CHECK(std::count(t.key.begin(), t.key.end(), '\t') == 5);
  toys.plan_options.tuning = cache;
  toys.plan_options.policy = "measured";
  for (size_t field = 0, at = 0; field < 6; ++field) {
    Tuned stale = t;
    const size_t end = std::min(t.key.find('\t', at), t.key.size());
    stale.key.insert(end, "!");
    at = end + 1;
    save_tunings({stale}, cache);
    CHECK(toys.plan(kGraph).nodes()[1].placement.cause == "first choice");
  }
  save_tunings({t}, cache);
  CHECK(toys.plan(kGraph).nodes()[1].placement.use == "toy:device");
}

TEST_CASE("a library's fingerprint changes with it and with what lies beside it") {
  Folder one, two;
  one.write("libnpurt_x.so", "code");
  two.write("libnpurt_x.so", "code");
  CHECK(library_fingerprint(one.path() / "libnpurt_x.so") == library_fingerprint(two.path() / "libnpurt_x.so"));
  Folder other, beside;
  other.write("libnpurt_x.so", "c0de");
  beside.write("libnpurt_x.so", "code");
  beside.write("libdevice.so", "more");
  CHECK(library_fingerprint(other.path() / "libnpurt_x.so") != library_fingerprint(one.path() / "libnpurt_x.so"));
  CHECK(library_fingerprint(beside.path() / "libnpurt_x.so") != library_fingerprint(one.path() / "libnpurt_x.so"));
  CHECK(fingerprint("ab") != fingerprint(std::string("ab\0", 3)));
}

TEST_CASE("an accelerator's name holds its driver and firmware") {
  Folder root;
  const auto device = root.path() / "sys/class/accel/accel0/device";
  std::filesystem::create_directories(device / "driver/module");
  const auto name = [&] { return device_name("npu", 2, root.path()); };
  const std::string none = name();
  std::ofstream(device / "fw_version") << "1.5.5\n";
  const std::string firmware = name();
  std::ofstream(device / "driver/module/version") << "2.21\n";
  CHECK(none != firmware);
  CHECK(firmware != name());
  CHECK(name().find("1.5.5 driver 2.21") != std::string::npos);
}

TEST_CASE("processes that save at once lose nothing of each other") {
  Folder folder;
  const auto cache = folder.path() / "new/tuning.tsv";
  constexpr int kProcesses = 4, kLines = 25;
  for (int p = 0; p < kProcesses; ++p) {
    if (fork() != 0) continue;
    for (int i = 0; i < kLines; ++i)
      save_tunings({{"", "", 1, "", std::to_string(p) + "\t" + std::to_string(i) + "\t\t\t\t"}}, cache);
    _exit(0);
  }
  for (int p = 0; p < kProcesses; ++p) {
    int status = 1;
    wait(&status);
    CHECK(status == 0);
  }
  CHECK(read_tunings(cache).size() == kProcesses * kLines);
}

TEST_CASE("a process that dies while it saves leaves the old cache or the new one") {
  Folder folder;
  const auto cache = folder.path() / "tuning.tsv";
  save_tunings({{"", "", 1, "", "first\t\t\t\t\t"}}, cache);
  std::vector<Tuned> many;
  for (int i = 0; i < 20000; ++i) many.push_back({"", "", 1, "", std::to_string(i) + "\t\t\t\t\t"});
  for (int after_us : {200, 2000, 8000, 20000, 60000}) {
    const pid_t child = fork();
    if (child == 0) {
      save_tunings(many, cache);
      _exit(0);
    }
    usleep(static_cast<useconds_t>(after_us));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const size_t lines = read_tunings(cache).size();
    CHECK((lines == 1 || lines == many.size() + 1));
  }
  save_tunings({{"", "", 1, "", "last\t\t\t\t\t"}}, cache);  // the lock went with its holder
  CHECK(read_tunings(cache).contains("last\t\t\t\t\t"));
}
