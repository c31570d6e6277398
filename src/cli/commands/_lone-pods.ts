import { Option } from 'commander';

/** For commands that move pods from a node to others. */
export function lonePodsOption(): Option {
  return new Option('--delete-lone-pods', 'delete pods for good that no controller makes again where their node is emptied; without it such a node is left as it is');
}
