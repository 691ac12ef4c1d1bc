#include "moca/report/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "moca/image/image_io.h"
#include "moca/report/svg_plot.h"

namespace moca::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ReportPage example_page() {
  ReportPage page;
  page.title = "Run of the day";
  page.subtitle = "32 assets";
  page.key_scores = {{"F-score", "0.91", "bar: 0.85"}, {"Chamfer", "0.09", ""}};
  page.svg_plots = {line_plot("Loss", "step", "loss", {{0, 1}, {2, 1}})};
  page.tables = {
      {"Assets", {"name", "score"}, {{"chair_1", "0.5"}, {"lamp_2", "93 %"}}, "worst first"}};
  page.images = {{"Sheet", Image(4, 3, 3, 120), "by index"}};
  return page;
}

TEST(HtmlOf, HoldsEveryPieceOfThePage) {
  const std::string html = html_of(example_page());
  for (const char* piece : {"Run of the day", "32 assets", "F-score", "0.91", "bar: 0.85",
                            "Chamfer", "0.09", "Loss", "<polyline", "Assets", "name", "score",
                            "chair_1", "lamp_2", "worst first", "Sheet", "by index"}) {
    EXPECT_THAT(html, HasSubstr(piece));
  }
}

TEST(HtmlOf, EmbedsImagesAsTheirPngBytes) {
  const ReportPage page = example_page();
  EXPECT_THAT(html_of(page),
              HasSubstr("data:image/png;base64," + base64(encode_png(page.images[0].image))));
}

TEST(HtmlOf, NeedsNothingFromOutside) {
  std::string html = html_of(example_page());
  const std::string name_space = "http://www.w3.org/2000/svg";
  html.erase(html.find(name_space), name_space.size());
  for (const char* outside : {"http:", "https:", "<script", "<link", "@import", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
}

TEST(HtmlOf, EscapesEveryText) {
  const std::string evil = "<script>alert('&')</script>";
  ReportPage page;
  page.title = evil;
  page.subtitle = evil;
  page.key_scores = {{evil, evil, evil}};
  page.tables = {{evil, {evil}, {{evil}}, evil}};
  page.images = {{evil, Image(1, 1, 3), evil}};
  const std::string html = html_of(page);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"));
}

TEST(HtmlOf, SetsNumbersApartFromWords) {
  const std::string html = html_of(example_page());
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">0.5</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">93 %</td>"));
  EXPECT_THAT(html, HasSubstr("<td>chair_1</td>"));
}

TEST(HtmlOf, LeavesOutWhatAnEmptyPageLacks) {
  const std::string html = html_of(ReportPage{});
  EXPECT_THAT(html, HasSubstr("</html>"));
  EXPECT_THAT(html, Not(HasSubstr("<table")));
  EXPECT_THAT(html, Not(HasSubstr("<h2")));
}

TEST(HtmlOf, RefusesARowThatDoesNotFitItsHeader) {
  ReportPage page = example_page();
  page.tables[0].rows.push_back({"only one cell"});
  EXPECT_THROW(html_of(page), std::logic_error);
}

TEST(Base64, FollowsItsStandard) {
  // Test vectors of RFC 4648, section 10.
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace moca::report
