#include "moca/core/logging.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "moca/core/error.h"

namespace moca::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>(
        "moca", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%H:%M:%S %^%L%$ %v");
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return *instance;
}

}  // namespace

void info(const std::string& message) { logger().info("{}", message); }
void warn(const std::string& message) { logger().warn("{}", message); }

void speak_as_rank(int rank) {
  logger().set_level(spdlog::level::warn);
  logger().set_pattern("%H:%M:%S %^%L%$ [rank " + std::to_string(rank) + "] %v");
}

File::File(const std::filesystem::path& file) {
  try {
    const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern("%Y-%m-%d %H:%M:%S %L %v");
    logger().sinks().push_back(sink);
    logger().flush_on(spdlog::level::info);
    registration_ = {nullptr, [sink](void*) { std::erase(logger().sinks(), sink); }};
  } catch (const spdlog::spdlog_ex& failure) {
    throw Error("cannot write the log ", file, ": ", failure.what(),
                ". Choose a folder that can be written to.");
  }
}

void flush() { logger().flush(); }

}  // namespace moca::log
