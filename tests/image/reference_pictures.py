"""Writes small pictures of every kind and, as raw bytes, the pixels they have; for image_io_test.

usage: reference_pictures.py FOLDER

FOLDER/NAME.EXTENSION and FOLDER/NAME.W.H.CHANNELS.raw. Where Pillow writes the file, Pillow says what
its pixels are; the PNGs of every colour type and depth are written and read here, by the PNG
specification alone. Exits with 77 when Pillow or numpy is missing.
"""

import pathlib
import struct
import sys
import zlib

try:
    import numpy
    from PIL import Image, ImageOps
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = pathlib.Path(sys.argv[1])
random = numpy.random.default_rng(5)
WIDTH, HEIGHT = 13, 11  # odd, so that rows end inside a byte and no pass of an interlaced one is whole


def write_pixels(name, pixels):
    """uint8 [H, W] or [H, W, C]."""
    pixels = numpy.ascontiguousarray(pixels, numpy.uint8)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    height, width = pixels.shape[:2]
    (folder / f"{name}.{width}.{height}.{channels}.raw").write_bytes(pixels.tobytes())


# --- PNG of every colour type, depth, order of rows, with and without transparency ---


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Rows [H, W, C] as PNG stores them, each after the filter byte 0."""
    rows = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype(">u2").tobytes()
        elif depth == 8:
            data = flat.astype(numpy.uint8).tobytes()
        else:
            bits = (flat[:, None] >> numpy.arange(depth - 1, -1, -1)) & 1
            data = numpy.packbits(bits.reshape(-1).astype(numpy.uint8)).tobytes()
        rows += b"\0" + data
    return rows


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, color_type, interlaced, chunks=b""):
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    data = b"".join(packed_rows(part, depth) for part in passes if part.size)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks +
            chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def eight_bits(samples, depth):
    return samples >> 8 if depth == 16 else samples * 255 // (2**depth - 1)


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}


def grey_or_colour(samples, depth, color_type, key):
    """The pixels, and the chunk that makes the color of pixel (3, 2) transparent."""
    pixels = eight_bits(samples, depth)
    rgb = numpy.repeat(pixels, 3, 2) if color_type == 0 else pixels
    if not key:
        return pixels, b""
    transparent = (samples == samples[2, 3]).all(-1)
    alpha = numpy.where(transparent, 0, 255)[..., None]
    data = b"".join(struct.pack(">H", int(value)) for value in samples[2, 3])
    return numpy.concatenate([rgb, alpha], -1), chunk(b"tRNS", data)


def palette(samples, depth, key):
    colors = random.integers(0, 256, (2**depth, 3))
    alphas = random.integers(0, 256, max(2**depth - 1, 1))  # the last entries may be left out
    chunks = chunk(b"PLTE", colors.astype(numpy.uint8).tobytes())
    pixels = colors[samples[..., 0]]
    if key:
        chunks += chunk(b"tRNS", alphas.astype(numpy.uint8).tobytes())
        alpha = numpy.concatenate([alphas, [255]])[samples[..., 0]]
        pixels = numpy.concatenate([pixels, alpha[..., None]], -1)
    return pixels, chunks


def write_png(depth, color_type, interlaced, key):
    samples = random.integers(0, 2**depth, (HEIGHT, WIDTH, CHANNELS[color_type]))
    # Of 16 bits a sample that differs in the lower eight only is not the key.
    samples[4, 5] = samples[2, 3] ^ (1 if depth == 16 else 0)
    if color_type == 3:
        pixels, chunks = palette(samples, depth, key)
    elif color_type in (0, 2):
        pixels, chunks = grey_or_colour(samples, depth, color_type, key)
    else:
        pixels, chunks = eight_bits(samples, depth), b""
        if color_type == 4:
            pixels = numpy.concatenate([numpy.repeat(pixels[..., :1], 3, 2), pixels[..., 1:]], -1)
    name = f"type{color_type}_{depth}_bits{'_interlaced' * interlaced}{'_key' * key}"
    (folder / f"{name}.png").write_bytes(png(samples, depth, color_type, interlaced, chunks))
    write_pixels(name, pixels)
    if color_type in (0, 3):  # what a component map reads: the numbers as stored
        numbers = samples[..., 0].astype("<u2")
        (folder / f"{name}.numbers").write_bytes(numbers.tobytes())


for color_type, depths in DEPTHS.items():
    for depth in depths:
        for interlaced in (False, True):
            for key in (False, True)[: 2 if color_type in (0, 2, 3) else 1]:
                write_png(depth, color_type, interlaced, key)


# --- what Pillow writes and reads ---


def smooth(width, height, channels):
    y, x = numpy.mgrid[:height, :width]
    waves = [128 + 90 * numpy.sin((x * (c + 2) + y * (5 - c)) / 17) for c in range(channels)]
    return numpy.stack(waves, -1).clip(0, 255).astype(numpy.uint8)


def write_pillows(name, image, extension="jpg", behind=b"", **options):
    file = folder / f"{name}.{extension}"
    image.save(file, **options)
    file.write_bytes(file.read_bytes() + behind)
    read = ImageOps.exif_transpose(Image.open(file))
    if read.mode not in ("L", "RGB", "RGBA"):
        read = read.convert("RGB")
    write_pixels(name, numpy.asarray(read))


colour = Image.fromarray(smooth(37, 21, 3), "RGB")
cmyk = Image.fromarray(smooth(37, 21, 4), "CMYK")
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    write_pillows(f"jpeg_orientation_{orientation}", colour, exif=exif, quality=95)
    write_pillows(f"png_orientation_{orientation}", colour, "png", exif=exif)
    write_pillows(f"webp_orientation_{orientation}", colour, "webp", exif=exif, lossless=True)
for quality in (40, 90):
    write_pillows(f"jpeg_cmyk_{quality}", cmyk, quality=quality)
    write_pillows(f"webp_{quality}", colour, "webp", quality=quality)
write_pillows("jpeg_cmyk_progressive", cmyk, progressive=True)
behind = b"\xff\xda and a film of any bytes \xff\xd8\xff\xd9 " + bytes(range(256))
for extension in ("jpg", "png", "webp"):
    write_pillows(f"{extension}_with_bytes_behind", colour, extension, behind)
alpha = Image.fromarray(smooth(20, 30, 4), "RGBA")
write_pillows("webp_alpha", alpha, "webp", lossless=True, exact=True)
write_pillows("webp_grey", Image.fromarray(smooth(20, 30, 1)[..., 0], "L"), "webp", lossless=True)


# YCCK: Pillow writes CMYK only. Adobe's transform 2 over the same data says that C, M and Y are
# stored as YCbCr.
def as_ycck(data):
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\x02" + data[at + 1:]


(folder / "jpeg_ycck.jpg").write_bytes(as_ycck((folder / "jpeg_cmyk_90.jpg").read_bytes()))
write_pixels("jpeg_ycck", numpy.asarray(Image.open(folder / "jpeg_ycck.jpg").convert("RGB")))
