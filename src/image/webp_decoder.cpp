#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <utility>

#include "decoder.h"

namespace moca {
namespace {

// The stored EXIF block; empty: there is none.
std::string exif_of(const WebPData& data) {
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

}  // namespace

Image decode_webp(const std::string& bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  const auto status = WebPGetFeatures(data, bytes.size(), &features);
  if (status != VP8_STATUS_OK) {
    throw Mistake(status == VP8_STATUS_NOT_ENOUGH_DATA ? "the WebP is cut off"
                                                       : "the WebP is broken");
  }
  if (features.has_animation != 0) {
    throw Mistake("the WebP is animated");
  }
  const int channels = features.has_alpha != 0 ? 4 : 3;
  const int bytes_a_pixel = 4 + channels;  // a lossless image is decoded as RGBA first
  require_decodable(features.width, features.height,
                    static_cast<size_t>(features.width) * features.height * bytes_a_pixel);
  Image image(features.width, features.height, channels);
  const auto decode = channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data, bytes.size(), image.pixels.data(), image.pixels.size(),
             image.width * channels) == nullptr) {
    throw Mistake("the WebP is cut off or broken");
  }
  return upright(std::move(image), exif_of({data, bytes.size()}));
}

}  // namespace moca
