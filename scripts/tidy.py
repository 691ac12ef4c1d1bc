"""Runs clang-tidy over src/, tools/ and benchmarks/command/, some folders as one unit; skips units that did not change.

usage: scripts/tidy.py BUILD_FOLDER [src/FOLDER ...]     no folder: all of them

A unit on LibTorch takes clang-tidy half a minute, nearly all of it for torch's headers. A unit that
includes all files of several folders pays that once. Where folders or files do not compile together,
they are checked one by one.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT_BYTES = 120_000  # of source; larger units leave a core idle at the end
INCLUDE = re.compile(rb'^\s*#\s*include\s*"(moca/[^"]+|[^"/]+)"', re.M)


def compile_commands(build):
    """The flags of every .cpp in src/, tools/ and benchmarks/command/, by file, without precompiled headers."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        words = shlex.split(entry["command"])
        flags = [w for w in words[1:] if re.match(r"-(I|D|std)", w)]
        for i, word in enumerate(words[:-1]):
            if word == "-isystem":
                flags += [word, words[i + 1]]
        if file.suffix == ".cpp" and file.is_relative_to(ROOT) and file.is_file():
            folder = str(file.parent.relative_to(ROOT))
            if folder.split("/")[0] in ("src", "tools") or folder == "benchmarks/command":
                commands[file] = flags
    return commands


def with_headers(files):
    """`files` and every header of ours that they include, directly or not."""
    found, queue = set(), list(files)
    while queue:
        file = queue.pop()
        if file in found or not file.is_file():
            continue
        found.add(file)
        for name in INCLUDE.findall(file.read_bytes()):
            queue += [ROOT / "include" / name.decode(), file.parent / name.decode()]
    return sorted(found)


def digest(files, flags):
    """Changes when anything that clang-tidy reads of ours changes."""
    state = hashlib.sha256(repr(flags).encode())
    for file in [ROOT / ".clang-tidy", pathlib.Path(__file__), *with_headers(files)]:
        state.update(str(file).encode() + file.read_bytes())
    return state.hexdigest()


def clang_tidy(file, flags, *options):
    """The findings in `file`, empty if there are none."""
    command = ["clang-tidy", "--quiet", f"--config-file={ROOT}/.clang-tidy", *options, str(file)]
    run = subprocess.run([*command, "--", *flags], capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout or run.stderr


def check_unit(files, flags, build):
    """The findings in some files compiled as one; None when they do not compile together."""
    unit = build / f"{'_'.join(sorted({name_of(file.parent) for file in files}))}.cpp"
    unit.write_text("".join(f'#include "{file}"\n' for file in files))
    findings = clang_tidy(unit, flags, "--checks=-bugprone-suspicious-include")
    errors = [line for line in findings.splitlines() if "[clang-diagnostic-error" in line]
    if errors and len(files) > 1:
        print("tidy: do not compile together, which takes longer:", *errors[:3], sep="\n  ", flush=True)
    return None if errors else findings


def name_of(folder):
    return str(folder.relative_to(ROOT)).replace("/", "_")


def check_folders(folders, commands, build):
    """The findings in the files of some folders: together, else folder by folder, else one by one."""
    files = [file for folder in folders for file in folders[folder]]
    flags = joint_flags(commands[file] for file in files)
    stamp = build / f"{'_'.join(map(name_of, folders))}.sha256"
    state = digest(files, flags)
    if stamp.is_file() and stamp.read_text() == state:
        return ""
    findings = check_unit(files, flags, build)
    if findings is None and len(folders) > 1:
        findings = "".join(check_folders({folder: of_folder}, commands, build)
                           for folder, of_folder in folders.items())
    elif findings is None:
        findings = "".join(clang_tidy(file, commands[file]) for file in files)
    if not findings:
        stamp.write_text(state)
    return findings


def joint_flags(many):
    """The flags of all, each once, -isystem with its folder."""
    flags = {}
    for words in many:
        words = iter(words)
        for word in words:
            flags[(word, next(words)) if word == "-isystem" else (word,)] = True
    return [word for words in flags for word in words]


def groups_of(folders, commands):
    """Folders that are checked as one unit, those that take longest first. LibTorch's headers and
    spdlog's bring two versions of fmt, so no unit has both."""
    def size(of_folders):
        return sum(file.stat().st_size for files in of_folders.values() for file in files)

    groups, open_groups = [], {}
    for folder in sorted(folders, key=lambda folder: size({folder: folders[folder]})):
        on_torch = any("torch" in flag for flag in commands[folders[folder][0]])
        group = open_groups.get(on_torch)
        one = {folder: folders[folder]}
        if group is not None and size(group) + size(one) < UNIT_BYTES:
            group.update(one)
        else:
            groups.append(one)
            open_groups[on_torch] = one
    return sorted(groups, key=size, reverse=True)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    folders = {}
    commands = compile_commands(build)
    for file in sorted(commands):
        if not sys.argv[2:] or str(file.parent.relative_to(ROOT)) in sys.argv[2:]:
            folders.setdefault(file.parent, []).append(file)
    if not folders:
        sys.exit(f"tidy: {build}/compile_commands.json names no such file of src/, tools/ or benchmarks/command/")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check_folders, group, commands, stamps) for group in groups_of(folders, commands)]
        findings = "".join(job.result() for job in jobs)
    print(findings, end="")
    checked = sum(len(files) for files in folders.values())
    print(f"tidy: {checked} files, {'findings above' if findings else 'no findings'}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
