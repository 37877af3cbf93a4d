"""What a screen shows at the end: reads what a terminal wrote, and prints its lines and the cursor as JSON. The terminal is pyte's."""

import json
import sys

import pyte

rows, columns = int(sys.argv[1]), int(sys.argv[2])
screen = pyte.Screen(columns, rows)
pyte.ByteStream(screen).feed(sys.stdin.buffer.read())
print(json.dumps({"lines": screen.display, "cursor": [screen.cursor.y, screen.cursor.x]}))
