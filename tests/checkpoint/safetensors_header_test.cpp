#include "src/checkpoint/safetensors_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/checkpoint/sample_files.h"
#include "tests/support/refusal.h"

namespace moca::checkpoint {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

std::string refused(const std::string& header, size_t data_bytes) {
  return refusal([&] { parse_header(header, kLengthBytes + header.size() + data_bytes, "F"); });
}

struct BadHeader {
  const char* what;
  std::string header;
  size_t data_bytes;
  const char* message;
};

class BadHeaders : public ::testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaders, AreRefusedWithTheReason) {
  const auto& bad = GetParam();
  EXPECT_THAT(refused(bad.header, bad.data_bytes), HasSubstr("F: "));
  EXPECT_THAT(refused(bad.header, bad.data_bytes), HasSubstr(bad.message));
}

// {"a":{"dtype":TYPE,"shape":SHAPE,"data_offsets":OFFSETS}}
std::string one(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + type + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

// One tensor of bytes per letter, at these offsets.
std::string bytes_at(const std::vector<std::pair<int, int>>& offsets) {
  std::string header;
  for (const auto& [begin, end] : offsets) {
    header += header.empty() ? "{" : ",";
    header += std::string("\"") + static_cast<char>('a' + (header.size() > 1)) +
              R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
              R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  }
  return header + "}";
}

const std::vector<BadHeader> kBadHeaders = {
    {"Empty", "", 0, "does not begin with '{'"},
    {"Array", "[]", 0, "does not begin with '{'"},
    {"LeadingSpace", " {}", 0, "does not begin with '{'"},
    {"NoJson", R"({"a": nonsense})", 0, "is not JSON at its byte 8"},
    {"CutJson", R"({"a":{"dtype":"F3)", 0, "is not JSON"},
    {"TrailingText", "{} {}", 0, "is not JSON"},
    {"TextBehindAZeroByte", std::string("{}\0garbage", 10), 0, "is not JSON at its byte 3"},
    {"NoUtf8", "{\"\xFF\xFE\":{}}", 0, "is not UTF-8"},
    {"OverlongUtf8", "{\"\xC0\xAF\":{}}", 0, "is not UTF-8"},
    {"Surrogate", R"({"\ud800":{}})", 0, "is not JSON"},
    {"MetadataNull", R"({"__metadata__":null})", 0, "not an object of strings"},
    {"MetadataList", R"({"__metadata__":[]})", 0, "not an object of strings"},
    {"MetadataNumber", R"({"__metadata__":{"a":1}})", 0, "not an object of strings"},
    {"MetadataNested", R"({"__metadata__":{"a":{}}})", 0, "not an object of strings"},
    {"TensorNumber", R"({"a":1})", 0, "tensor 'a' is not an object"},
    {"TensorList", R"({"a":[]})", 0, "tensor 'a' is not an object"},
    {"NoFields", R"({"a":{}})", 0, "tensor 'a' needs dtype, shape and two data_offsets"},
    {"NoShape", R"({"a":{"dtype":"U8","data_offsets":[0,0]}})", 0, "needs dtype, shape"},
    {"UnknownField", R"({"a":{"stride":[1]}})", 0, "has the unknown field 'stride'"},
    {"UnknownType", one(R"("Q4")", "[4]", "[0,16]"), 16, "has the type 'Q4'"},
    {"LowerCaseType", one(R"("f32")", "[4]", "[0,16]"), 16, "has the type 'f32'"},
    {"TypeNumber", one("32", "[4]", "[0,16]"), 16, "a dtype that is not a string"},
    {"NegativeShape", one(R"("U8")", "[-1]", "[0,1]"), 1, "shape that is not a list"},
    {"FractionInShape", one(R"("U8")", "[1.0]", "[0,1]"), 1, "shape that is not a list"},
    {"NestedShape", one(R"("U8")", "[[1]]", "[0,1]"), 1, "shape that is not a list"},
    {"ShapeNumber", one(R"("U8")", "1", "[0,1]"), 1, "shape that is not a list"},
    {"ShapeBeyond64Bits", one(R"("U8")", "[18446744073709551616]", "[0,1]"), 1,
     "shape that is not a list of at most 64 whole numbers from 0 to 2^64 - 1"},
    {"ShapeBeyondInt64", one(R"("U8")", "[9223372036854775808]", "[0,1]"), 1, "impossible shape"},
    {"ShapeOverflow", one(R"("F32")", "[4294967296,4294967296,4294967296]", "[0,0]"), 0,
     "impossible shape"},
    {"EmptyShapeOverflow", one(R"("F32")", "[0,4294967296,4294967296]", "[0,0]"), 0,
     "impossible shape"},
    {"OneOffset", one(R"("U8")", "[1]", "[0]"), 1, "two data_offsets"},
    {"ThreeOffsets", one(R"("U8")", "[1]", "[0,1,2]"), 1, "data_offsets that is not a list"},
    {"NegativeOffset", one(R"("U8")", "[1]", "[-1,0]"), 0, "data_offsets that is not a list"},
    {"OffsetsBackwards", one(R"("U8")", "[1]", "[1,0]"), 1, "hold another number"},
    {"TooFewBytes", one(R"("F32")", "[4]", "[0,12]"), 12, "needs 16 bytes"},
    {"BeyondTheFile", one(R"("F32")", "[4]", "[0,16]"), 12,
     "ends at byte 16 of the data, which has 12: the file is truncated"},
    {"FarBeyondTheFile", one(R"("U8")", "[1]", "[18446744073709551614,18446744073709551615]"), 12,
     "the file is truncated"},
    {"Overlap", bytes_at({{0, 4}, {2, 6}}), 6, "tensor 'b' overlaps"},
    {"SameBytes", bytes_at({{0, 4}, {0, 4}}), 4, "overlaps"},
    {"EmptyWithinAnother", bytes_at({{0, 4}, {2, 2}}), 4, "tensor 'b' overlaps"},
    {"HoleBefore", bytes_at({{1, 4}}), 4, "tensor 'a' begins at byte 1"},
    {"HoleBetween", bytes_at({{0, 2}, {3, 4}}), 4, "bytes from 2 on belong to no tensor"},
    {"BytesBehind", bytes_at({{0, 2}}), 5, "the last 3 bytes belong to no tensor"},
    {"NameTwice", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{}})", 1,
     "names 'a' twice"},
    {"NameTwiceInTwoSpellings",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{}})", 1, "names 'a' twice"},
    {"FieldTwice", R"({"a":{"dtype":"U8","dtype":"U8"}})", 0, "names 'dtype' twice"},
    {"MetadataTwice", R"({"__metadata__":{},"__metadata__":{}})", 0, "names '__metadata__' twice"},
};

INSTANTIATE_TEST_SUITE_P(Safetensors, BadHeaders, ::testing::ValuesIn(kBadHeaders),
                         [](const auto& info) { return info.param.what; });

TEST(SafetensorsHeader, AcceptsAnyOrderAndSpacesBehind) {
  const auto text = bytes_at({{2, 6}, {0, 2}}) + " \n";
  const auto header = parse_header(text, kLengthBytes + text.size() + 6, "F");
  EXPECT_EQ(header.entries.at("b").begin, kLengthBytes + text.size());
  EXPECT_EQ(header.entries.at("b").begin + 2, header.entries.at("a").begin);
}

// As many as a file may have that we write: a reader that looks through all of them at each never
// ends.
TEST(SafetensorsHeader, HoldsTwoHundredThousandTensors) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) {
    text += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) +
            R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) + "," +
            std::to_string(i + 1) + "]}";
  }
  text += "}";
  const auto header = parse_header(text, kLengthBytes + text.size() + 200'000, "F");
  EXPECT_EQ(header.entries.size(), 200'000U);
}

TEST(SafetensorsHeader, KeepsAMessageToOneShortLine) {
  const auto message = refused(R"({"two\nlines)" + std::string(100'000, 'x') + "\":1}", 0);
  EXPECT_THAT(message, HasSubstr("'two?lines"));
  EXPECT_LT(message.size(), 500U);
}

TEST(SafetensorsHeader, RefusesALengthThatNoFileHas) {
  const auto refused_length = [](uint64_t length, uint64_t file_size) {
    return refusal([&] { check_header_length(length, file_size, "F"); });
  };
  EXPECT_EQ(refused_length(100'000'000, 200'000'000), "accepted");
  EXPECT_THAT(refused_length(100'000'001, 200'000'000), HasSubstr("at most 100000000"));
  EXPECT_THAT(refused_length(93, 100), HasSubstr("claims 93 bytes of a file of 100"));
  EXPECT_THAT(refused_length(UINT64_MAX, 100), HasSubstr("truncated or not safetensors"));
}

// The longest headers there may be, made to fill the memory: refused before they do.
TEST(SafetensorsHeader, RefusesAJsonBomb) {
  constexpr size_t kLongest = 99'999'000;
  EXPECT_THAT(refused(std::string(kLongest, '['), 0), HasSubstr("does not begin"));
  EXPECT_THAT(refused("{\"a\":" + std::string(kLongest, '['), 0), HasSubstr("nested deeper"));
  std::string ones = R"({"a":{"shape":[)";
  for (int i = 0; i < 4'000'001; ++i) {
    ones += "1,";
  }
  EXPECT_THAT(refused(ones, 0), HasSubstr("more than 4000000 values"));
}

}  // namespace
}  // namespace moca::checkpoint
