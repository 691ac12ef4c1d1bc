#include "moca/config/binding.h"

#include <algorithm>

namespace moca::config {

bool Binding::is_assigned(const std::string& path) const {
  return std::any_of(settings.begin(), settings.end(), [&](const Setting& setting) {
    return setting.assigned && (setting.path == path || setting.path.starts_with(path + "."));
  });
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

std::string Binder::path_of(const char* name) const {
  return section_.empty() ? name : section_ + "." + name;
}

void Binder::add(const char* name, const char* help, Variable variable, NumberRule numbers,
                 TextRule texts) {
  std::string path = path_of(name);
  for (const Setting& other : binding_->settings) {
    if (other.path == path) {
      throw std::logic_error("a config struct lists '" + path + "' twice");
    }
  }
  if (path == "base") {
    throw std::logic_error("'base' names another config file and cannot be a setting");
  }
  binding_->settings.push_back(
      {std::move(path), help, std::move(variable), std::move(numbers), std::move(texts), false});
}

void Binder::add_section(Section section, Binding* binding) {
  binding->sections.push_back(std::move(section));
}

}  // namespace moca::config
