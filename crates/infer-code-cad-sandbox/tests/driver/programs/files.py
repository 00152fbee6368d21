import os, shutil, tempfile
with tempfile.TemporaryDirectory() as home:
    name = os.path.join(home, "a")
    with open(name, "w") as file:
        file.write("text")
    os.mkdir(os.path.join(home, "b"))
    os.rename(name, os.path.join(home, "b", "c"))
    shutil.copyfile(os.path.join(home, "b", "c"), os.path.join(home, "d"))
    if os.getcwd() in ("/tmp", "/var/tmp"):
        shutil.copy2(os.path.join(home, "b", "c"), os.path.join(home, "e"))
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x")
with tempfile.TemporaryFile() as file:
    file.write(b"x")
os.symlink("/etc/passwd", "link")
try:
    open("link")
    raise SystemExit("read through a link")
except OSError:
    pass
open("left", "w").write("x" * 5000)
os.makedirs("deep/er")
os.mkdir("closed", 0)
os.mkdir("blind", 0o300)
open("blind/file", "w").close()
os.mkdir("blind/within", 0o300)
open("blind/within/file", "w").close()
os.symlink("/", "blind/within/link")
os.mkdir("fixed", 0o500)
