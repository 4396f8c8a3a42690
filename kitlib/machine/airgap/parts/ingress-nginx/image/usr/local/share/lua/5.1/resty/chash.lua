-- A key always gets the same node, and few keys another when nodes come or go: the one whose hash with it is highest.
local _M = {}
_M.__index = _M

function _M.new(_, nodes)
  return setmetatable({ nodes = nodes }, _M)
end

function _M.reinit(self, nodes)
  self.nodes = nodes
end

function _M.find(self, key)
  local best, highest
  for name in pairs(self.nodes) do
    local hash = ngx.md5(name .. key)
    if not best or hash > highest then
      best, highest = name, hash
    end
  end
  return best
end

return _M
