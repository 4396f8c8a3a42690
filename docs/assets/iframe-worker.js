// A browser runs no Worker for a page that was opened as a file. The search is one, so on such a page (and only there)
// a hidden frame takes the Worker's place: same messages, same order.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "search"
      document.body.appendChild(frame)
      const inner = frame.contentWindow
      const waiting = []
      const give = data => inner.dispatchEvent(new inner.MessageEvent("message", { data }))
      inner.document.open()
      inner.document.write("<!doctype html><html><head></head><body></body></html>")
      inner.document.close()
      inner.postMessage = data => this.answer(data)
      inner.importScripts = (...urls) =>
        urls.reduce(
          (before, one) =>
            before.then(
              () =>
                new inner.Promise((resolve, reject) => {
                  const script = inner.document.createElement("script")
                  script.src = new URL(one, url).href
                  script.onload = resolve
                  script.onerror = reject
                  inner.document.body.appendChild(script)
                })
            ),
          inner.Promise.resolve()
        )
      const script = inner.document.createElement("script")
      script.src = url
      script.onload = () => {
        this.send = give
        waiting.splice(0).forEach(give)
      }
      inner.document.body.appendChild(script)
      this.send = data => waiting.push(data)
      this.frame = frame
    }

    postMessage(data) {
      setTimeout(() => this.send(data))
    }

    answer(data) {
      const event = new MessageEvent("message", { data })
      this.dispatchEvent(event)
      if (this.onmessage) this.onmessage(event)
    }

    terminate() {
      this.frame.remove()
    }
  }
}
