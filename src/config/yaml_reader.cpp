#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "moca/config/schema.h"
#include "moca/config/suggestion.h"
#include "moca/config/values.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/logging.h"
#include "setting_path.h"

namespace moca::config {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kLargestFile = 1 << 20;  // bytes
constexpr size_t kLongestBaseChain = 16;     // files
constexpr int kMostBases = 64;               // of one config, each as often as it is named

using Form = WrittenValue::Form;

[[noreturn]] void fail(const auto&... parts) { throw Error(one_line(concatenated(parts...))); }

std::string read_bytes(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    fail("no config file ", file, ". Name a .yaml file.");
  }
  const uintmax_t bytes = fs::file_size(file, error);
  if (error || bytes > kLargestFile) {
    fail(file, " has ", bytes, " bytes, a config has at most ", kLargestFile,
         ". Is this the right file?");
  }
  return moca::read_file(file);
}

WrittenValue written(const YAML::Node& node) {
  WrittenValue value;
  if (node.IsScalar()) {
    value.form = Form::kText;
    value.text = node.Scalar();
    value.quoted = node.Tag() == "!";
  } else if (node.IsSequence()) {
    value.form = Form::kList;
    for (const YAML::Node& element : node) {
      // Nested lists are refused anyway; and aliases within them could take all memory.
      value.elements.push_back(element.IsSequence() ? WrittenValue{.form = Form::kList}
                                                    : written(element));
    }
  } else if (node.IsMap()) {
    value.form = Form::kSection;
  }
  return value;
}

// Takes what a parser says of a document and does nothing.
class NoEvents : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::LoadAll would count them all, but in some broken texts ("[1], 2") it finds documents
// without end.
bool has_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  NoEvents events;
  return parser.HandleNextDocument(events) && parser.HandleNextDocument(events);
}

YAML::Node parse_document(const std::string& text, const std::string& name) {
  try {
    if (has_second_document(text)) {  // Load would not see it
      fail(name, " holds more than one YAML document, a config is one. Remove the '---' lines.");
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& failure) {
    const bool placed = !failure.mark.is_null();
    fail(name, (placed ? ":" + std::to_string(failure.mark.line + 1) : ""),
         ": not valid YAML: ", failure.msg, ".");
  }
}

// Reads one file and, before it, the files it is based on.
class Reader {
 public:
  explicit Reader(Binding& binding) : binding_(binding) {}

  void read(const std::string& text, const fs::path& name, std::vector<fs::path> chain) {
    name_ = name.string();
    const YAML::Node root = parse_document(text, name_);
    if (!root.IsNull() && !root.IsMap()) {
      fail(name_, ":", line(root), ": a config consists of 'setting: value' lines.");
    }
    if (root.IsMap()) {
      read_bases(root, name, std::move(chain));
      name_ = name.string();
      read_section(root, "");
    }
  }

 private:
  static std::string line(const YAML::Node& node) { return std::to_string(node.Mark().line + 1); }

  std::string where(const YAML::Node& node) const { return name_ + ":" + line(node) + ": "; }

  std::string key_text(const YAML::Node& key) const {
    if (!key.IsScalar() || key.Scalar().empty()) {
      fail(where(key), "the name of a setting is missing. Write 'setting: value'.");
    }
    return key.Scalar();
  }

  void read_bases(const YAML::Node& root, const fs::path& name, std::vector<fs::path> chain) {
    std::error_code error;
    chain.push_back(fs::weakly_canonical(name, error));
    for (const auto& entry : root) {
      if (!entry.first.IsScalar() || entry.first.Scalar() != "base") {
        continue;
      }
      const std::string here = where(entry.first);
      for (const auto& base : base_names(entry.second, here)) {
        read_base(base, name, chain, here);
      }
      return;
    }
  }

  static std::vector<std::string> base_names(const YAML::Node& value, const std::string& here) {
    std::vector<std::string> names;
    const auto add = [&](const YAML::Node& base) {
      names.push_back(base.IsScalar() ? base.Scalar() : "");
    };
    if (value.IsSequence()) {
      std::for_each(value.begin(), value.end(), add);
    } else {
      add(value);
    }
    if (names.empty() || std::ranges::find(names, "") != names.end()) {
      fail(here, "base must name a config file or a list of them, for example 'base: other.yaml'.");
    }
    return names;
  }

  void read_base(const std::string& base, const fs::path& name, const std::vector<fs::path>& chain,
                 const std::string& here) {
    const fs::path file = name.parent_path() / base;
    const std::string shown = "base " + quoted(base);
    std::error_code error;
    if (!fs::is_regular_file(file, error)) {
      fail(here, shown, (fs::exists(file, error) ? " is no file" : " does not exist"),
           " (looked for ", file, ").");
    }
    const fs::path canonical = fs::weakly_canonical(file, error);
    if (std::ranges::find(chain, canonical) != chain.end()) {
      fail(here, shown, " leads back to a file that is based on it.");
    }
    if (chain.size() > kLongestBaseChain) {
      fail(here, "more than ", kLongestBaseChain,
           " files based on one another. Merge some of them.");
    }
    if (++num_bases_ > kMostBases) {
      fail(here, "more than ", kMostBases, " files are read as bases. Name each of them once.");
    }
    read(read_bytes(file), file, chain);
  }

  void read_section(const YAML::Node& map, const std::string& section) {
    std::map<std::string, std::string> first_lines;
    for (const auto& entry : map) {
      const std::string key = key_text(entry.first);
      const std::string path = path_of(section, key);
      const auto [first, added] = first_lines.emplace(key, line(entry.first));
      if (!added) {
        fail(where(entry.first), quoted(path), " is set twice, first on line ", first->second, ".");
      }
      if (path != "base") {
        read_entry(entry.first, entry.second, section, key, path);
      }
    }
  }

  void read_entry(const YAML::Node& key_node, const YAML::Node& value, const std::string& section,
                  const std::string& key, const std::string& path) {
    const bool dotted = key.find('.') != std::string::npos;
    if (Setting* setting = binding_.find(path); setting != nullptr && !dotted) {
      assign(*setting, written(value), where(key_node));
      setting->assigned = true;
      return;
    }
    for (const Section& known : binding_.sections) {
      if (known.path != path || dotted) {
        continue;
      }
      if (value.IsMap()) {
        read_section(value, path);
      } else if (!value.IsNull()) {
        fail(where(key_node), "'", path, "' is a section: its settings follow on indented lines.");
      }
      return;
    }
    fail(where(key_node),
         (key == "base" ? "unknown setting " + quoted(path) + ". 'base' belongs at the top level."
                        : unknown_setting(binding_, section, key)));
  }

  Binding& binding_;
  std::string name_;
  int num_bases_ = 0;
};

// An override is text as the shell hands it over; only a list is YAML.
WrittenValue written_override(const Setting& setting, const std::string& text) {
  if (is_list(setting)) {
    try {
      return written(YAML::Load(text));
    } catch (const YAML::Exception&) {
      // Not YAML, hence no list: `assign` refuses the text and shows it.
    }
  }
  return {.form = Form::kText, .text = text};
}

// An override that nothing reads is most likely a mistake; in a file, options may stand ready.
void warn_of_unread(const Binding& binding, const std::string& text) {
  for (const Alternative& of : binding.alternatives) {
    if (*of.chosen != of.option && text.starts_with(of.section + ".")) {
      log::warn(concatenated("override ", quoted(text), " is not read: ", of.choice, " is ",
                             *of.chosen, ". Set ", of.choice, "=", of.option, " as well."));
    }
  }
}

[[noreturn]] void refuse_override(const Binding& binding, const std::string& path,
                                  const std::string& where) {
  if (std::ranges::find(binding.sections, path, &Section::path) != binding.sections.end()) {
    fail(where, "'", path, "' is a section. Set one of its settings: ", path, ".key=value.");
  }
  const auto [section, name] = split(path);
  fail(where, unknown_setting(binding, section, name));
}

}  // namespace

void read_file(Binding& binding, const fs::path& file) {
  Reader(binding).read(read_bytes(file), file, {});
}

void read_file(Binding& binding, const std::string& text, const fs::path& name) {
  Reader(binding).read(text, name, {});
}

void apply_overrides(Binding& binding, const std::vector<std::string>& overrides) {
  std::map<std::string, int> seen;
  for (const std::string& text : overrides) {
    const std::string where = "override " + quoted(text) + ": ";
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail(where, "write section.key=value.");
    }
    const std::string path = text.substr(0, equals);
    if (path == "base") {
      fail(where, "a base can only be named in a file.");
    }
    if (++seen[path] > 1) {
      fail(where, quoted(path), " is set twice.");
    }
    Setting* setting = binding.find(path);
    if (setting == nullptr) {
      refuse_override(binding, path, where);
    }
    assign(*setting, written_override(*setting, text.substr(equals + 1)), where);
    setting->assigned = true;
  }
  std::ranges::for_each(overrides, [&](const auto& text) { warn_of_unread(binding, text); });
}

void validate_all(const Binding& binding, const std::string& source) {
  for (const Section& section : binding.sections) {
    if (section.validate == nullptr) {
      continue;
    }
    try {
      section.validate(section.path);
    } catch (const Error& failure) {
      throw Error(source, ": ", failure.what());
    }
  }
}

std::string write_yaml(const Binding& binding) {
  std::string text;
  std::vector<std::string> open;  // the sections whose headings stand above the next line
  for (const Setting& setting : binding.settings) {
    std::vector<std::string> names;
    std::istringstream stream(setting.path);
    for (std::string name; std::getline(stream, name, '.');) {
      names.push_back(name);
    }
    size_t depth = 0;
    while (depth + 1 < names.size() && depth < open.size() && open[depth] == names[depth]) {
      ++depth;
    }
    open.resize(depth);
    for (; depth + 1 < names.size(); ++depth) {
      text += std::string(2 * depth, ' ') + names[depth] + ":\n";
      open.push_back(names[depth]);
    }
    text += std::string(2 * depth, ' ') + names.back() + ": " + yaml_text(setting) + "\n";
  }
  return text;
}

}  // namespace moca::config
