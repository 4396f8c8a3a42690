"""Parts beside Kubernetes: what lessons run that is neither Kubernetes' nor kitlib's own, such as a collector.

One table says for each its version, the image that its authors publish, and how it is made where no registry answers.
A part that is made here is one folder of the cache: the program, its image, and what both were made of. Of a few there
is the published image alone.
"""

from kitlib.machine.airgap.parts.making import ARCHIVE, SBOM, Made, cached, key, make
from kitlib.machine.airgap.parts.table import PARTS, PUBLISHED, Part, find

__all__ = ["ARCHIVE", "PARTS", "PUBLISHED", "SBOM", "Made", "Part", "cached", "find", "key", "make"]
