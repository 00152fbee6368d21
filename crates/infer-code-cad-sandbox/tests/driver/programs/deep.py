import os
for n in range(900):
    os.mkdir("d")
    os.chdir("d")
open("bottom", "w").close()
