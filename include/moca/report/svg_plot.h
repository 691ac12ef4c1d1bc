#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moca::report {

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;  // as many; a value that is not finite interrupts the line
};

// One SVG element: a line per series with ticks, grid and legend. With `log_y` values up to 0 count
// as missing. Long series are thinned to means of neighbouring points. Nothing to draw: a note says
// so.
std::string line_plot(std::string_view title, std::string_view x_label, std::string_view y_label,
                      const std::vector<Series>& series, bool log_y = false);

// Text with <, >, & and quotes made harmless for HTML and SVG; control characters become spaces.
std::string escape_markup(std::string_view text);

}  // namespace moca::report
