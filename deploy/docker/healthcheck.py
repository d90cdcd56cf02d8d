"""Exit code 0 if the server in this container answers its health route, else 1. HEALTHCHECK of the images.

healthcheck.py [URL]
"""

import os
import sys
import urllib.error
import urllib.request

url = sys.argv[1] if len(sys.argv) > 1 else f"http://127.0.0.1:{os.environ.get('TINGSHUO_PORT', '8000')}/healthz"
try:
    with urllib.request.urlopen(url, timeout=4) as reply:  # noqa: S310 - the image names the address
        sys.exit(reply.status != 200)
except urllib.error.HTTPError as error:
    # The allow-list may turn this address away: the server that says so lives.
    sys.exit(error.code != 403)
except OSError as error:
    sys.exit(f"{url}: {error}")
