-- One node after the other. It counts no weights: ingress-nginx gives each endpoint the same.
local _M = {}
_M.__index = _M

function _M.new(_, nodes)
  local self = setmetatable({}, _M)
  self:reinit(nodes)
  return self
end

function _M.reinit(self, nodes)
  self.nodes, self.names = nodes, {}
  for name in pairs(nodes) do
    table.insert(self.names, name)
  end
  table.sort(self.names)
  self.at = math.random(0, 1000) -- so that not all workers begin with the same
end

function _M.find(self)
  self.at = self.at % #self.names + 1
  return self.names[self.at]
end

return _M
