#include <webp/decode.h>
#include <webp/demux.h>

#include "decoder.h"

namespace moca {
namespace {

const uint8_t* data_of(const std::string& bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

class WebpDecoder : public Decoder {
 public:
  using Decoder::Decoder;

  void read_header() override {
    WebPBitstreamFeatures features;
    const auto status = WebPGetFeatures(data_of(bytes_), bytes_.size(), &features);
    if (status != VP8_STATUS_OK) {
      throw Mistake(status == VP8_STATUS_NOT_ENOUGH_DATA ? "the WebP is cut off"
                                                         : "the WebP is broken");
    }
    if (features.has_animation != 0) {
      throw Mistake("the WebP is animated");
    }
    width_ = features.width;
    height_ = features.height;
    has_alpha_ = features.has_alpha != 0;
  }

  size_t bytes_to_read() override {
    constexpr int kWorkingBytes = 4;  // a lossless image is decoded as RGBA first
    return static_cast<size_t>(width_) * height_ * (kWorkingBytes + (has_alpha_ ? 4 : 3));
  }

  Image read_image() override {
    Image image(width_, height_, has_alpha_ ? 4 : 3);
    const auto decode = has_alpha_ ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
    if (decode(data_of(bytes_), bytes_.size(), image.pixels.data(), image.pixels.size(),
               width_ * image.channels) == nullptr) {
      throw Mistake("the WebP is cut off or broken");
    }
    return image;
  }

  std::string exif() override {
    const WebPData data{data_of(bytes_), bytes_.size()};
    const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data),
                                                                       WebPDemuxDelete);
    WebPChunkIterator chunk{};
    std::string block;
    if (demuxer && WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0) {
      block.assign(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
    }
    WebPDemuxReleaseChunkIterator(&chunk);
    return block;
  }

 private:
  bool has_alpha_ = false;
};

}  // namespace

std::unique_ptr<Decoder> webp_decoder(const std::string& bytes) {
  return std::make_unique<WebpDecoder>(bytes);
}

}  // namespace moca
