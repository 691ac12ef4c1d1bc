"""How a picture comes to the image encoder, by Pillow and numpy: DINOv2's processor, PartCrafter's
crop to the foreground."""

import numpy as np
from PIL import Image, __version__ as pillow_version

if int(pillow_version.split(".")[0]) < 13:
    raise ImportError(f"Pillow {pillow_version} is older than 13")


def resized_and_cropped(picture, processor):
    """Bytes [H, W, 3]: the shorter side resized, its middle cropped."""
    edge = processor["size"]["shortest_edge"]
    height, width = picture.shape[:2]
    if width <= height:
        size = edge, int(edge * height / width)
    else:
        size = int(edge * width / height), edge
    resized = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    crop = processor["crop_size"]
    top = (resized.shape[0] - crop["height"]) // 2
    left = (resized.shape[1] - crop["width"]) // 2
    return resized[top:top + crop["height"], left:left + crop["width"]]


def pixel_values(cropped, processor):
    """[3, H, W] floats: scaled in double, normalised in float."""
    values = (cropped * np.float64(processor["rescale_factor"])).astype(np.float32)
    mean = np.array(processor["image_mean"], np.float32)
    std = np.array(processor["image_std"], np.float32)
    return np.ascontiguousarray(((values - mean) / std).transpose(2, 0, 1))


def cropped_to_foreground(rgba, background, padding_ratio):
    """The box of alpha > 0 over the background, padded to a square; every int() truncates."""
    rows, columns = np.nonzero(rgba[..., 3] > 0)
    top, bottom = rows.min(), rows.max() + 1
    left, right = columns.min(), columns.max() + 1
    colour = rgba[..., :3].astype(np.float32) / np.float32(255)
    alpha = rgba[..., 3:].astype(np.float32) / np.float32(255)
    background = np.array(background, np.float32)
    picture = (colour * alpha + background * (1 - alpha))[top:bottom, left:right]
    height, width = picture.shape[:2]
    if width > height:
        across = int(width * padding_ratio)
        down = int(across + (width - height) / 2)
    else:
        down = int(height * padding_ratio)
        across = int(down + (height - width) / 2)
    square = np.broadcast_to(background, (height + 2 * down, width + 2 * across, 3)).copy()
    square[down:down + height, across:across + width] = picture
    return (square * np.float32(255)).astype(np.uint8)
