#include "moca/report/svg_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace moca::report {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count(const std::string& text, const std::string& wanted) {
  size_t found = 0;
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    ++found;
  }
  return found;
}

// (x, y) of every point of the first line, in pixels.
std::vector<std::pair<double, double>> drawn_points(const std::string& svg) {
  std::smatch match;
  std::vector<std::pair<double, double>> points;
  if (!std::regex_search(svg, match, std::regex("points=\"([^\"]*)\""))) {
    return points;
  }
  const std::string list = match[1];
  const std::regex pair("([-0-9.e]+),([-0-9.e]+)");
  for (std::sregex_iterator at(list.begin(), list.end(), pair), end; at != end; ++at) {
    points.emplace_back(std::stod((*at)[1]), std::stod((*at)[2]));
  }
  return points;
}

TEST(LinePlot, DrawsTheCurveWithItsNames) {
  const std::string svg = line_plot("Loss", "step", "value", {{0, 1, 2}, {3, 2, 1}});
  EXPECT_EQ(count(svg, "<polyline"), 1U);
  for (const char* text : {"Loss", "step", "value"}) {
    EXPECT_THAT(svg, HasSubstr(std::string(">") + text + "<"));
  }
  EXPECT_EQ(count(svg, "<svg"), 1U);
  EXPECT_EQ(count(svg, "</svg>"), 1U);
}

TEST(LinePlot, PutsLargerValuesHigherAndLaterOnesRight) {
  const auto points = drawn_points(line_plot("t", "x", "y", {{0, 1, 2}, {1, 3, 2}}));
  ASSERT_EQ(points.size(), 3U);
  EXPECT_LT(points[0].first, points[1].first);
  EXPECT_LT(points[1].first, points[2].first);
  EXPECT_LT(points[1].second, points[2].second);
  EXPECT_LT(points[2].second, points[0].second);
}

TEST(LinePlot, SpacesPowersOfTenEvenlyOnALogarithmicAxis) {
  const auto points = drawn_points(line_plot("t", "x", "y", {{0, 1, 2}, {1, 10, 100}}));
  ASSERT_EQ(points.size(), 3U);
  EXPECT_NEAR(points[0].second - points[1].second, points[1].second - points[2].second, 0.1);
}

TEST(LinePlot, SaysSoWhenThereIsNothingToDraw) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  for (const Curve& curve : {Curve{}, Curve{{0, 1}, {nothing, nothing}}, Curve{{0, 1}, {-1, 0}}}) {
    const std::string svg = line_plot("t", "x", "y", curve);
    EXPECT_THAT(svg, HasSubstr("no values to draw"));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
  }
}

TEST(LinePlot, InterruptsALineAtMissingValues) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string svg =
      line_plot("t", "x", "y", {{0, 1, 2, 3, 4, 5, 6}, {1, 2, NAN, 2, 1, infinity, 1}});
  EXPECT_EQ(count(svg, "<polyline"), 2U);
  EXPECT_EQ(count(svg, "<circle"), 1U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(LinePlot, MarksASinglePoint) {
  for (const double value : {0.5, 1.0, 5.0}) {
    const std::string svg = line_plot("t", "x", "y", {{7}, {value}});
    EXPECT_EQ(count(svg, "<circle"), 1U);
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
  }
}

TEST(LinePlot, ThinsALongCurveToItsMeans) {
  Curve curve;
  for (int i = 0; i < 100000; ++i) {
    curve.x.push_back(i);
    curve.y.push_back(i % 2 == 0 ? 1.0 : 3.0);
  }
  const auto points = drawn_points(line_plot("t", "x", "y", curve));
  EXPECT_LT(points.size(), 1000U);
  EXPECT_GT(points.size(), 100U);
  for (const auto& point : points) {
    EXPECT_NEAR(point.second, points.front().second, 0.5);
  }
}

TEST(LinePlot, EscapesItsTexts) {
  const std::string svg = line_plot("a<b</svg>", "x&y", "\"q\"", {{0, 1}, {1, 2}});
  EXPECT_THAT(svg, HasSubstr("a&lt;b&lt;/svg&gt;"));
  EXPECT_THAT(svg, HasSubstr("x&amp;y"));
  EXPECT_EQ(count(svg, "</svg>"), 1U);
}

TEST(LinePlot, RefusesACurveOfUnequalLengths) {
  EXPECT_THROW(line_plot("t", "x", "y", {{0, 1}, {0}}), std::logic_error);
}

TEST(EscapeMarkup, LeavesNoActiveCharacter) {
  EXPECT_EQ(escape_markup("<a href='x'>&\"\n</a>"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot; &lt;/a&gt;");
  EXPECT_EQ(escape_markup("plain, 0.5 %"), "plain, 0.5 %");
}

}  // namespace
}  // namespace moca::report
