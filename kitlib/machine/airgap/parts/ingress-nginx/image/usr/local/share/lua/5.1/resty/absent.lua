-- Stands for libraries that Debian doesn't have, of what is off unless somebody turns it on: OCSP, global rate limits.
return {
  new = function()
    return nil, "not part of this build"
  end,
}
