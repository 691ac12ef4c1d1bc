#include "moca/config/suggestion.h"

#include <algorithm>
#include <numeric>

#include "moca/config/values.h"
#include "moca/core/mapped.h"
#include "setting_path.h"

namespace moca::config {
namespace {

constexpr size_t kLongestName = 64;  // a longer text is no misspelt name
constexpr size_t kMostListed = 12;   // names shown when none is near

// Edits (insert, delete, replace, swap two neighbours) that turn one text into the other.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before_last;
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

std::vector<std::string> all_paths(const Binding& binding) {
  auto paths = mapped(binding.settings, &Setting::path);
  for (const Section& section : binding.sections) {
    if (!section.path.empty()) {
      paths.push_back(section.path);
    }
  }
  return paths;
}

// " Write 'width' inside 'model:', ..." where a file uses the dots of an override; else empty.
std::string undotted(const std::vector<std::string>& paths, const std::string& path) {
  const auto [section, name] = split(path);
  const bool known = std::ranges::find(paths, path) != paths.end();
  return known ? " Write '" + name + "' inside '" + section + ":', sections are nested." : "";
}

// The settings called `name`, wherever they are: "'train.seed' or 'model.seed'".
std::string namesakes_of(const std::vector<std::string>& paths, const std::string& name) {
  std::string namesakes;
  for (const std::string& path : paths) {
    const auto [section, leaf] = split(path);
    if (leaf == name) {
      namesakes += (namesakes.empty() ? "" : " or ") + quoted(path) +
                   (section.empty() ? " at the top level" : "");
    }
  }
  return namesakes;
}

// The names directly inside `section`.
std::vector<std::string> names_in(const std::vector<std::string>& paths,
                                  const std::string& section) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const auto [owner, name] = split(path);
    if (owner == section) {
      names.push_back(name);
    }
  }
  return names;
}

std::string known_names(std::vector<std::string> names) {
  const bool many = names.size() > kMostListed;
  names.resize(std::min(names.size(), kMostListed));
  return braced(names) + (many ? " and more (see 'moca settings')." : ".");
}

// What an earlier version called so, or an empty text.
std::string replacement(const Binding& binding, const std::string& path) {
  for (const RetiredSetting& retired : binding.retired) {
    if (path == retired.path || path.starts_with(retired.path + ".")) {
      return " An earlier version had it: " + retired.instead;
    }
  }
  return "";
}

// Where no setting `name` is in `section`: the likeliest thing that was meant.
std::string way_out(const Binding& binding, const std::string& section, const std::string& name) {
  if (std::string hint = replacement(binding, path_of(section, name)); !hint.empty()) {
    return hint;
  }
  const std::vector<std::string> paths = all_paths(binding);
  if (name.find('.') != std::string::npos) {
    if (std::string hint = undotted(paths, path_of(section, name)); !hint.empty()) {
      return hint;
    }
    const auto [inner, leaf] = split(path_of(section, name));
    return way_out(binding, inner, leaf);
  }
  const std::vector<std::string> here = names_in(paths, section);
  std::string meant = namesakes_of(paths, name);
  if (const std::string nearest = nearest_name(name, here); !nearest.empty()) {
    meant = quoted(path_of(section, nearest)) + (meant.empty() ? "" : " or ") + meant;
  }
  if (!meant.empty()) {
    return " Did you mean " + meant + "?";
  }
  for (const std::string& path : paths) {
    if (!nearest_name(name, {split(path).second}).empty()) {
      return " Did you mean " + quoted(path) + "?";
    }
  }
  return here.empty() ? " Known at the top level: " + known_names(names_in(paths, ""))
                      : " Known here: " + known_names(here);
}

}  // namespace

std::string nearest_name(const std::string& name, const std::vector<std::string>& names) {
  if (name.size() > kLongestName) {
    return "";
  }
  std::string nearest;
  size_t nearest_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < nearest_distance && distance < candidate.size()) {
      nearest = candidate;
      nearest_distance = distance;
    }
  }
  return nearest;
}

std::vector<std::string> nearest_first(const std::string& name, std::vector<std::string> names) {
  const auto nearest = nearest_name(name, names);
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& other) { return other == nearest; });
  return names;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(name, names);
  return nearest.empty() ? "" : " Did you mean '" + nearest + "'?";
}

std::string unknown_setting(const Binding& binding, const std::string& section,
                            const std::string& name) {
  return "unknown setting " + quoted(path_of(section, name)) + "." +
         way_out(binding, section, name);
}

}  // namespace moca::config
