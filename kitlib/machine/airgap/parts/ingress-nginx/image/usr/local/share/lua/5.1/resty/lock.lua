-- A lock among workers that nobody waits for: whoever comes second goes without, as ingress-nginx asks for it.
local _M = {}
_M.__index = _M

function _M.new(_, dictionary, options)
  return setmetatable({ dictionary = ngx.shared[dictionary], expires = options.exptime }, _M)
end

function _M.lock(self, key)
  local done, why = self.dictionary:add(key, true, self.expires)
  if not done then
    return nil, why == "exists" and "timeout" or why
  end
  self.key = key
  return 0
end

function _M.unlock(self)
  self.dictionary:delete(self.key)
  return 1
end

return _M
