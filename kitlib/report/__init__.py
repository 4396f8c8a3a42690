"""A page to attach to an incident: what holds something up, in one HTML file that needs no network.

In: a recording, and which object is meant. Out: HTML, with the cause, the figure in which it is marked where it began,
which promises were kept, and the rows that show it. It promises that the page fetches and runs nothing, that text from
a cluster is text in it, and that what wasn't recorded is said in it.

    from kitlib.report import report

    Path("web.html").write_text(report(recording, "Deployment", "web", "shop"))
"""

from kitlib.report.contents import Contents, contents
from kitlib.report.page import page, report

__all__ = ["Contents", "contents", "page", "report"]
