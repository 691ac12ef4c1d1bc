#include "moca/config/binding.h"

#include "moca/config/choice.h"

namespace moca::config {

bool Binding::is_assigned(const std::string& path) const {
  return std::ranges::any_of(settings, [&](const Setting& setting) {
    return setting.assigned && (setting.path == path || setting.path.starts_with(path + "."));
  });
}

Setting* Binding::find(const std::string& path) {
  const auto found = std::ranges::find(settings, path, &Setting::path);
  return found == settings.end() ? nullptr : &*found;
}

void Binder::operator()(const char* name, Choice& choice) {
  ++num_listed_;
  TextRule names;
  std::string help;
  for (const Option& option : choice.options) {
    names.allowed.push_back(option.name);
    help += (help.empty() ? "" : "; ") + option.name + ": " + option.help;
  }
  const auto path = path_of(section_, name);
  add({path, std::move(help), &choice.name, {}, std::move(names), false, may_change_});
  for (Option& option : choice.options) {
    const auto section = path_of(section_, option.name);
    binding_->alternatives.push_back({section, path, option.name, &choice.name});
    option.bind(option.settings, section, binding_, may_change_);
  }
}

void Binder::add(Setting setting) {
  if (binding_->find(setting.path) != nullptr) {
    throw std::logic_error("a config struct lists '" + setting.path + "' twice");
  }
  if (setting.path == "base") {
    throw std::logic_error("'base' names another config file and cannot be a setting");
  }
  binding_->settings.push_back(std::move(setting));
}

void Binder::require_all_listed(size_t num_members) const {
  if (num_listed_ != num_members) {
    throw std::logic_error("the config section '" + section_ + "' has " +
                           std::to_string(num_members) + " members and lists " +
                           std::to_string(num_listed_));
  }
}

}  // namespace moca::config
