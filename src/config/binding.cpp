#include "moca/config/binding.h"

#include <algorithm>

#include "moca/config/choice.h"

namespace moca::config {

bool Binding::is_assigned(const std::string& path) const {
  return std::any_of(settings.begin(), settings.end(), [&](const Setting& setting) {
    return setting.assigned && (setting.path == path || setting.path.starts_with(path + "."));
  });
}

Setting* Binding::find(const std::string& path) {
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& setting) { return setting.path == path; });
  return found == settings.end() ? nullptr : &*found;
}

void Binder::operator()(const char* name, bool& value, const char* help) {
  add(name, help, &value);
}

void Binder::operator()(const char* name, int64_t& value, const char* help, NumberRule rule) {
  add(name, help, &value, std::move(rule));
}

void Binder::operator()(const char* name, double& value, const char* help, NumberRule rule) {
  add(name, help, &value, std::move(rule));
}

void Binder::operator()(const char* name, std::string& value, const char* help, TextRule rule) {
  add(name, help, &value, {}, std::move(rule));
}

void Binder::operator()(const char* name, std::vector<int64_t>& value, const char* help,
                        NumberRule rule) {
  add(name, help, &value, std::move(rule));
}

void Binder::operator()(const char* name, std::vector<double>& value, const char* help,
                        NumberRule rule) {
  add(name, help, &value, std::move(rule));
}

void Binder::operator()(const char* name, std::vector<std::string>& value, const char* help,
                        TextRule rule) {
  add(name, help, &value, {}, std::move(rule));
}

void Binder::operator()(const char* name, Choice& choice) {
  TextRule names;
  std::string help;
  for (const Option& option : choice.options) {
    names.allowed.push_back(option.name);
    help += (help.empty() ? "" : "; ") + option.name + ": " + option.help;
  }
  add(name, std::move(help), &choice.name, {}, std::move(names));
  for (Option& option : choice.options) {
    option.bind(option.settings, path_of(option.name.c_str()), option.help.c_str(), binding_);
  }
}

std::string Binder::path_of(const char* name) const {
  return section_.empty() ? name : section_ + "." + name;
}

void Binder::add(const char* name, std::string help, Variable variable, NumberRule numbers,
                 TextRule texts) {
  std::string path = path_of(name);
  if (binding_->find(path) != nullptr) {
    throw std::logic_error("a config struct lists '" + path + "' twice");
  }
  if (path == "base") {
    throw std::logic_error("'base' names another config file and cannot be a setting");
  }
  binding_->settings.push_back({std::move(path), std::move(help), std::move(variable),
                                std::move(numbers), std::move(texts), false});
}

void Binder::add_section(Section section, Binding* binding) {
  binding->sections.push_back(std::move(section));
}

}  // namespace moca::config
