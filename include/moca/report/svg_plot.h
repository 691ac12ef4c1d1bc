#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moca::report {

struct Curve {
  std::vector<double> x;
  std::vector<double> y;  // as many; a value that is not finite or not above 0 interrupts the line
};

// One SVG element: a curve over a logarithmic axis, with ticks and grid. A long curve is thinned to
// means of neighbouring points. Nothing to draw: a note says so.
std::string line_plot(std::string_view title, std::string_view x_label, std::string_view y_label,
                      const Curve& curve);

// Text with <, >, & and quotes made harmless for HTML and SVG; control characters become spaces.
std::string escape_markup(std::string_view text);

}  // namespace moca::report
