export { nearest } from '@modelhost/kernel';
