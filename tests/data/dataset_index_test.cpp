#include "src/data/dataset_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace moca::data {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

class IndexFile : public ::testing::Test {
 protected:
  IndexFile() {
    index_.image_size = 64;
    index_.made_by = "seed: 1\n";
    AssetRecord record;
    record.id = "chair";
    record.split = "train";
    record.shard = "shard_00000.safetensors";
    record.component_names = {"seat", "leg"};
    record.stream = -7;
    record.views = {mesh::Camera()};
    index_.records = {record};
    index_.left_out = {"table: it has no component."};
    index_.shards = {{record.shard, {1234, 0xFFFFFFFF}}};
    index_.num_done = index_.num_assets = 2;
  }

  DatasetIndex read_again() const {
    write_index(file(), index_);
    return read_index(file());
  }
  std::string refusal_of(const std::string& text) const {
    write_file(file(), text);
    return refusal([&] { read_index(file()); });
  }
  std::filesystem::path file() const { return folder_ / "index.json"; }

  testing::TemporaryFolder folder_;
  DatasetIndex index_;
};

TEST_F(IndexFile, HoldsWhatWasWritten) {
  const auto read = read_again();
  EXPECT_TRUE(read.finished());
  EXPECT_EQ(read.image_size, 64);
  EXPECT_EQ(read.made_by, index_.made_by);
  EXPECT_EQ(read.left_out, index_.left_out);
  EXPECT_EQ(read.shards.at("shard_00000.safetensors").bytes, 1234U);
  EXPECT_EQ(read.shards.at("shard_00000.safetensors").crc32c, 0xFFFFFFFFU);
  ASSERT_EQ(read.records.size(), 1U);
  EXPECT_EQ(text_of(read.records[0]), text_of(index_.records[0]));
}

TEST_F(IndexFile, SaysHowFarAPreparationIsUntilItIsFinished) {
  index_.num_assets = 5;
  index_.source_sum = "abc";
  const auto read = read_again();
  EXPECT_FALSE(read.finished());
  EXPECT_EQ(read.num_done, 2);
  EXPECT_EQ(read.num_assets, 5);
  EXPECT_EQ(read.source_sum, "abc");
}

TEST_F(IndexFile, NamesThePlaceAndTheRuleOfAWrongValue) {
  write_index(file(), index_);
  const auto text = read_file(file());
  const auto refusal_with = [&](const std::string& from, const std::string& to) {
    auto changed = text;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return refusal_of(changed.replace(at, from.size(), to));
  };
  EXPECT_THAT(
      refusal_with("\"chair\"", "\"../chair\""),
      HasSubstr(
          "assets[0].id must be a name without '/' and control characters, got \"../chair\""));
  EXPECT_THAT(refusal_with("-7", "0.5"), HasSubstr("assets[0].stream must be a whole number"));
  EXPECT_THAT(refusal_with("\"image_size\": 64,", ""), HasSubstr("image_size is missing"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("the whole file must be an object, got []"));
  EXPECT_THAT(refusal_of("{"), HasSubstr("not an index of a prepared dataset"));
}

TEST_F(IndexFile, HoldsNoIdTwice) {
  index_.records.push_back(index_.records.front());
  write_index(file(), index_);
  EXPECT_THAT(refusal([&] { read_index(file()); }),
              HasSubstr("assets[1].id must be no other asset's id, got \"chair\""));
}

TEST(RecordText, IsReadBack) {
  AssetRecord record;
  record.id = "a", record.split = "train", record.shard = "s";
  record.component_names = {"\"quoted\""};
  record.stream = 41;
  EXPECT_EQ(text_of(record_of(text_of(record), "file")), text_of(record));
}

TEST(PlainName, HasNoSlashAndIsNoFolderOfItself) {
  for (const auto* name : {"a", "a.b", "..a", "a b"}) {
    EXPECT_TRUE(is_plain_name(name)) << name;
  }
  for (const auto* name : {"", ".", "..", "a/b", "/", "a\nb"}) {
    EXPECT_FALSE(is_plain_name(name)) << name;
  }
}

TEST(AsStored, ReplacesBytesThatAreNoUtf8AndChangesNothingElse) {
  EXPECT_EQ(as_stored("Stuhl \xC3\xA4"), "Stuhl \xC3\xA4");
  EXPECT_EQ(as_stored("a\xFFz"), "a\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace moca::data
