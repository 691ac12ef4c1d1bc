"""Makes tests/fuzz/corpus: small files of every reader, from which the fuzzers start.

usage: .venv/bin/python tests/fuzz/make_corpus.py      (needs Pillow)
"""

import base64
import io
import json
import pathlib
import struct
import zlib

from PIL import Image

CORPUS = pathlib.Path(__file__).parent / "corpus"
CUT = b"\n#CUT#\n"  # mesh_fuzzer.cpp
POINTS = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]
CORNERS = [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]

# The tetrahedron by the encoders of Draco 1.5 and meshoptimizer 0.18.
DRACO_SEQUENTIAL = (
    "445241434f02020100000004040100010200020300030102010301010009030000020001010003030120012003"
    "00208450220100000000ff0000000000000000000000000000000000803f08")
DRACO_EDGES = (
    "445241434f02020101000000040400030000012f01011001ff0000010009030000020101010003030110013003"
    "00508224910400000000ff0000000000000000000000000000000000803f08")
MESHOPT_POINTS = (
    "a00000013c000000ffff013c0000007e7d0000010f000000ffff010f0000007e7d00000103000000ff01030000"
    "007e0000000000000000000000000000000000000000000000000000000000000000")
MESHOPT_CORNERS = (
    "e0fe0f0211f00402007687566778a9866589689801690000")


def put(reader, name, data):
    folder = CORPUS / reader
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


class Gltf:
    """A glTF put together piece by piece; mesh 0 is a tetrahedron."""

    def __init__(self, nodes=None):
        self.data = b""
        self.root = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
            "nodes": nodes or [{"mesh": 0, "name": "a"}], "meshes": [], "accessors": [],
            "bufferViews": []}
        self.position = self.add(POINTS, "f", 5126, "VEC3", 3)
        self.index = self.add(CORNERS, "H", 5123, "SCALAR", 1)
        self.primitive = {"attributes": {"POSITION": self.position}, "indices": self.index}
        self.root["meshes"].append({"primitives": [self.primitive]})

    def view(self, data, **more):
        self.data += b"\0" * (-len(self.data) % 4)
        self.root["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), **more})
        self.data += data
        return len(self.root["bufferViews"]) - 1

    def add(self, numbers, code, component, kind, width, **more):
        view = self.view(struct.pack(f"<{len(numbers)}{code}", *numbers))
        self.root["accessors"].append(
            {"bufferView": view, "componentType": component, "count": len(numbers) // width,
             "type": kind, **more})
        return len(self.root["accessors"]) - 1

    def write(self, name):
        self.root["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(self.root, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        put("glb", name, text + CUT + self.data)
        self.root["buffers"][0]["uri"] = (
            "data:application/octet-stream;base64," + base64.b64encode(self.data).decode())
        put("gltf", name, json.dumps(self.root, separators=(",", ":")))


def gltf_files():
    Gltf().write("plain")
    whole = Gltf()
    whole.root["buffers"] = [{"byteLength": len(whole.data), "uri": "input.bin"}]
    put("gltf", "beside", json.dumps(whole.root, separators=(",", ":")).encode() + CUT + whole.data)
    text = json.dumps({**whole.root, "buffers": [{"byteLength": len(whole.data)}]}).encode()
    text += b" " * (-len(text) % 4)
    chunks = (struct.pack("<II", len(text), 0x4E4F534A) + text +
              struct.pack("<II", len(whole.data), 0x4E4942) + whole.data)
    put("glb", "real_header", b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)

    nodes = Gltf([{"children": [1, 2], "scale": [1, -1, 2], "name": "up"},
                  {"mesh": 0, "translation": [1, 2, 3], "rotation": [0, 0, 0.6, 0.8]},
                  {"mesh": 0, "matrix": [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 5, 6, 7, 1]}])
    nodes.root["meshes"][0]["primitives"] += [
        {"attributes": {"POSITION": 0}, "mode": 5}, {"attributes": {"POSITION": 0}, "mode": 6}]
    nodes.write("nodes_strip_fan")

    sparse = Gltf()
    indices, values = sparse.view(struct.pack("<2H", 1, 3)), sparse.view(struct.pack("<6f", *range(6)))
    sparse.root["accessors"][0]["sparse"] = {
        "count": 2, "indices": {"bufferView": indices, "componentType": 5123},
        "values": {"bufferView": values}}
    zeros = {"componentType": 5126, "count": 4, "type": "VEC3",
             "sparse": sparse.root["accessors"][0]["sparse"]}
    sparse.root["accessors"].append(zeros)
    sparse.root["meshes"][0]["weights"] = [0.5]
    sparse.primitive["targets"] = [{"POSITION": 2}]
    sparse.write("sparse_morph")

    quantised = Gltf()
    quantised.root["extensionsRequired"] = ["KHR_mesh_quantization"]
    quantised.primitive["attributes"]["POSITION"] = quantised.add(
        [127 * x for x in POINTS], "b", 5120, "VEC3", 3, normalized=True)
    quantised.primitive["attributes"]["COLOR_0"] = quantised.add(
        [255, 0, 0, 255] * 4, "B", 5121, "VEC4", 4, normalized=True)
    quantised.write("quantised_colors")

    skin = Gltf([{"mesh": 0, "skin": 0}, {"translation": [0, 0, 1]}])
    skin.root["scenes"][0]["nodes"] = [0, 1]
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    skin.root["skins"] = [{"joints": [1], "inverseBindMatrices": skin.add(matrix, "f", 5126, "MAT4", 16)}]
    skin.primitive["attributes"]["JOINTS_0"] = skin.add([0] * 16, "B", 5121, "VEC4", 4)
    skin.primitive["attributes"]["WEIGHTS_0"] = skin.add([1, 0, 0, 0] * 4, "f", 5126, "VEC4", 4)
    skin.write("skin")

    instances = Gltf()
    instances.root["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    instances.root["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {
        "TRANSLATION": instances.add([0, 0, 0, 3, 0, 0], "f", 5126, "VEC3", 3),
        "ROTATION": instances.add([0, 0, 0, 1] * 2, "f", 5126, "VEC4", 4),
        "SCALE": instances.add([1, 1, 1, 2, 2, 2], "f", 5126, "VEC3", 3)}}}
    instances.write("instances")

    textured = Gltf()
    png = io.BytesIO()
    Image.new("RGB", (2, 2), (9, 200, 30)).save(png, "PNG")
    textured.primitive["attributes"]["TEXCOORD_0"] = textured.add([0, 0, 1, 0, 0, 1, 1, 1], "f", 5126, "VEC2", 2)
    textured.primitive["material"] = 0
    textured.root["images"] = [{"bufferView": textured.view(png.getvalue()), "mimeType": "image/png"},
                               {"uri": "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()}]
    textured.root["samplers"] = [{"wrapS": 33071, "wrapT": 33648}]
    textured.root["textures"] = [{"source": 0, "sampler": 0}, {"source": 1}]
    textured.root["materials"] = [
        {"pbrMetallicRoughness": {"baseColorFactor": [1, 0.5, 0.25, 1], "baseColorTexture": {
            "index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0], "scale": [2, 2],
                                                                 "rotation": 1}}}}},
        {"extensions": {"KHR_materials_pbrSpecularGlossiness": {
            "diffuseFactor": [1, 0, 0, 1], "diffuseTexture": {"index": 1}}}}]
    textured.root["meshes"][0]["primitives"].append({**textured.primitive, "material": 1})
    textured.write("textured")

    packed = Gltf()
    packed.root["extensionsRequired"] = ["EXT_meshopt_compression"]
    for view, stream, more in ((0, MESHOPT_POINTS, {"byteStride": 12, "count": 4, "mode": "ATTRIBUTES"}),
                               (1, MESHOPT_CORNERS, {"byteStride": 2, "count": 12, "mode": "TRIANGLES"})):
        added = packed.root["bufferViews"][packed.view(bytes.fromhex(stream))]
        packed.root["bufferViews"][view]["extensions"] = {"EXT_meshopt_compression": {**added, **more}}
    packed.write("meshopt")
    for name, stream in (("draco_sequential", DRACO_SEQUENTIAL), ("draco_edges", DRACO_EDGES)):
        draco = Gltf()
        draco.root["extensionsRequired"] = ["KHR_draco_mesh_compression"]
        draco.primitive["extensions"] = {"KHR_draco_mesh_compression": {
            "bufferView": draco.view(bytes.fromhex(stream)), "attributes": {"POSITION": 0}}}
        del draco.root["accessors"][0]["bufferView"]
        draco.write(name)


def obj_files():
    put("obj", "plain", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    put("obj", "objects",
        "mtllib input.mtl\no a b\nv 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 1\nv 1 1 0.5\n"
        "vt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nusemtl red\nf 1/1/1 2/2/1 3/3/1\no c\ng left\n"
        "usemtl wood\nf -4//1 -3//1 -2//1\nf 1 2 4 3\n" +
        CUT.decode() + "newmtl red\nKd 1 0 0\nnewmtl wood\n"
        "map_Kd -s 2 2 -o 0.5 0 -clamp on wood grain.png\n")
    put("obj", "polygons",
        "\ufeffv 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 0.5 0\nv 0 2 0\nv 1e30 1 1\nf 1 2 3 4 5\n"
        "f 1 3 \\\n 2 5\n# end\nl 1 2\nf 1 4 2 5 3 6\n")


def ply_files():
    header = "ply\nformat {} 1.0\ncomment TextureFile a.png\nelement vertex 4\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz")
    header += "".join(f"property uchar {color}\n" for color in ("red", "green", "blue"))
    header += "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [(0, 0, 0, 255, 0, 0), (1, 0, 0, 0, 255, 0), (1, 1, 0, 0, 0, 255), (0, 1, 0, 9, 9, 9)]
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows) + "3 0 1 2\n4 0 1 2 3\n"
    put("ply", "ascii", header.format("ascii") + text)
    for name, order in (("binary_little_endian", "<"), ("binary_big_endian", ">")):
        body = b"".join(struct.pack(order + "3f3B", *row) for row in rows)
        body += struct.pack(order + "B3iB4i", 3, 0, 1, 2, 4, 0, 1, 2, 3)
        put("ply", name, header.format(name).encode() + body)
    put("ply", "strips",
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty double x\nproperty double y\n"
        "property double z\nelement tristrips 1\nproperty list int int vertex_indices\n"
        "end_header\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n6 0 1 2 3 -1 2\n")


def stl_files():
    facet = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    put("stl", "text", f"solid a\n{facet}endsolid a\nsolid b\n{facet}endsolid b\n")
    put("stl", "binary", bytes(80) + struct.pack("<I12fH", 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0))
    put("stl", "binary_solid",
        b"solid".ljust(80) + struct.pack("<I12fH", 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0))


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def image_files():
    picture = Image.new("RGBA", (7, 5))
    picture.putdata([(30 * x, 50 * y, 9 * x * y % 256, 255 - 20 * x) for y in range(5) for x in range(7)])
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = picture.convert("L" if mode == "I;16" else mode)
        if mode == "I;16":
            image = image.convert("I").point(lambda v: v * 257).convert("I;16")
        data = io.BytesIO()
        image.save(data, "PNG", **({"transparency": 3} if mode in ("P", "L") else {}))
        put("png", mode.replace(";", "_"), data.getvalue())
    rows = b"".join(b"\0" + bytes(3 * x % 256 for x in range(n)) for n in (3, 3, 6, 6, 6))
    put("png", "interlaced", b"\x89PNG\r\n\x1a\n" +
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 3, 8, 2, 0, 0, 1)) +
        png_chunk(b"gAMA", struct.pack(">I", 45455)) +
        png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))
    for name, mode, more in (("rgb", "RGB", {}), ("grey", "L", {}), ("cmyk", "CMYK", {}),
                             ("progressive", "RGB", {"progressive": True})):
        exif = Image.Exif()
        exif[0x0112] = 6  # upright only after a quarter turn
        data = io.BytesIO()
        picture.convert("RGB").convert(mode).save(data, "JPEG", exif=exif, **more)
        put("jpeg", name, data.getvalue())
    for name, mode, more in (("lossy", "RGB", {"quality": 60}), ("alpha", "RGBA", {"quality": 60}),
                             ("lossless", "RGBA", {"lossless": True})):
        data = io.BytesIO()
        picture.convert(mode).save(data, "WEBP", **more)
        put("webp", name, data.getvalue())
    data = io.BytesIO()
    picture.save(data, "WEBP", save_all=True, append_images=[picture.rotate(90)], lossless=True)
    put("webp", "moving", data.getvalue())


def yaml_files():
    put("yaml", "plain", "flag: true\ncount: 4\nrate: 1e-3\ntitle: \"two words\"\n")
    put("yaml", "section",
        "# words\npart:\n  sizes: [1, 2, 3]\n  scales: [0.5, .inf]\n  names: [a, 'b c']\n  color: green\n")
    put("yaml", "forms", "part: {color: red, names: [x]}\ntitle: |\n  a\n  b\ncount: 0x10\n")
    put("yaml", "aliases", "title: &t a\npart:\n  names: [*t, *t]\n---\nflag: no\n")
    put("yaml", "override", "part.color=green")
    put("yaml", "base", "base: other.yaml\nflag: ~\n")


def safetensors_files():
    def file(header, data, length=None):
        text = json.dumps(header, separators=(",", ":")).encode() + b"\n"
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    header = {"__metadata__": {"format": "pt"},
              "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
              "b": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]},
              "c": {"dtype": "BOOL", "shape": [0, 4], "data_offsets": [26, 26]}}
    put("safetensors", "three", file(header, bytes(26)))
    put("safetensors", "length_mended", file(header, bytes(26), length=0))
    kinds = {}
    for i, (kind, size) in enumerate((("F64", 8), ("I64", 8), ("I32", 4), ("F16", 2), ("U8", 1))):
        begin = sum(s for _, s in (("", 8), ("", 8), ("", 4), ("", 2), ("", 1))[:i])
        kinds[kind] = {"dtype": kind, "shape": [1], "data_offsets": [begin, begin + size]}
    put("safetensors", "kinds", file(kinds, bytes(range(23)), length=0))


if __name__ == "__main__":
    for make in (gltf_files, obj_files, ply_files, stl_files, image_files, yaml_files, safetensors_files):
        make()
